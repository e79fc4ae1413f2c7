import type {
  V1Node,
  V1NodeSelectorRequirement,
  V1NodeSelectorTerm,
  V1Pod,
  V1Taint,
  V1Toleration,
} from '@kubernetes/client-node';
import { DRIVER_NAME } from '../../csi/index.ts';
import { STARTUP_TAINT } from '../startup-taint.ts';
import type { ClaimFacts } from './facts.ts';

/**
 * Why a pod cannot be put on a node, as far as the node, its selector, its required affinity and its tolerations tell:
 * the scheduler looks at more. Empty when nothing speaks against it, or nothing is known.
 */
export function whyNot({ nodes, csiNodes }: ClaimFacts, name: string, pod: V1Pod): string[] {
  if (nodes === undefined) return [];
  const node = nodes.find(({ metadata }) => metadata?.name === name);
  if (node === undefined) return [`${name} is no node of the cluster`];
  const csiNode = csiNodes?.find(({ metadata }) => metadata?.name === name);
  const registered = csiNode?.spec.drivers.some((driver) => driver.name === DRIVER_NAME) ?? csiNodes === undefined;
  return [
    isReady(node) ? '' : `${name} is not Ready`,
    node.spec?.unschedulable ? `${name} is cordoned` : '',
    registered ? '' : `Berth is not registered with the kubelet of ${name}`,
    ...mismatches(node, pod),
    ...(node.spec?.taints ?? []).filter((taint) => repels(taint, pod)).map((taint) => taintWords(name, taint)),
  ].filter((why) => why !== '');
}

export const isReady = ({ status }: V1Node): boolean =>
  status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;

function mismatches(node: V1Node, { spec }: V1Pod): string[] {
  const labels = node.metadata?.labels ?? {};
  const name = node.metadata?.name;
  const selector = Object.entries(spec?.nodeSelector ?? {})
    .filter(([key, value]) => labels[key] !== value)
    .map(([key, value]) => `its nodeSelector wants ${key}=${value}, which ${name} does not have`);
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const affine = terms?.some((term) => termHolds(term, node)) ?? true;
  return affine ? selector : [...selector, `its required node affinity leaves ${name} out`];
}

function termHolds({ matchExpressions = [], matchFields = [] }: V1NodeSelectorTerm, { metadata }: V1Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((one) => requirementHolds(one, metadata?.labels?.[one.key])) &&
    matchFields.every((one) => requirementHolds(one, one.key === 'metadata.name' ? metadata?.name : undefined))
  );
}

function requirementHolds({ operator, values = [] }: V1NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return Number(value) > Number(values[0]);
    case 'Lt':
      return Number(value) < Number(values[0]);
    default:
      return true;
  }
}

const repels = (taint: V1Taint, { spec }: V1Pod): boolean =>
  taint.effect !== 'PreferNoSchedule' && !(spec?.tolerations ?? []).some((one) => tolerates(one, taint));

const tolerates = ({ key, operator = 'Equal', value, effect }: V1Toleration, taint: V1Taint): boolean =>
  (!effect || effect === taint.effect) &&
  (!key
    ? operator === 'Exists'
    : key === taint.key && (operator === 'Exists' || (value ?? '') === (taint.value ?? '')));

const taintWords = (node: string, { key, value, effect }: V1Taint): string =>
  key === STARTUP_TAINT
    ? `${node} has the start-up taint ${key}: its pools are not served yet`
    : `it does not tolerate the taint ${key}${value ? `=${value}` : ''}:${effect} of ${node}`;
