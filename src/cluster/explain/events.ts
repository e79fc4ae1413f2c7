import type { CoreV1Event } from '@kubernetes/client-node';
import { catalogue, type ErrorCode } from '../../errors.ts';
import type { Check, ClaimFacts } from './facts.ts';

/** `CODE: message`, as Berth's errors come through the sidecars. */
const OURS = /\b([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+): (.*)$/s;

/** What the provisioner was last told by the driver. */
export const checkProvisioning: Check = ({ events = [] }) => {
  const failed = events.find(
    ({ reason, involvedObject }) => reason === 'ProvisioningFailed' && involvedObject.kind === 'PersistentVolumeClaim',
  );
  const [, code, message] = OURS.exec(failed?.message ?? '') ?? [];
  if (failed === undefined || code === undefined || !(code in catalogue)) return undefined;
  return {
    code,
    cause: `Berth refused to make the volume: ${message}`,
    advice: [catalogue[code as ErrorCode].remedy],
    evidence: [eventWords(failed)],
  };
};

const SHOWN = 5;

/** The latest warnings, else the latest events, as evidence. */
export function latestEvents({ events = [] }: ClaimFacts): string[] {
  const warnings = events.filter(({ type }) => type === 'Warning');
  return (warnings.length > 0 ? warnings : events).slice(0, SHOWN).map(eventWords);
}

const eventWords = ({ involvedObject: { kind, name }, type, reason, message, count }: CoreV1Event): string =>
  `event of ${kind === 'PersistentVolumeClaim' ? 'the claim' : `${kind?.toLowerCase()} ${name}`}: ${type} ${reason}: ${message}${count && count > 1 ? ` (${count} times)` : ''}`;
