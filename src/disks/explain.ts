import type { Disk, Reason } from './model.ts';
import { reasonCatalogue } from './reasons.ts';
import { quote } from './words.ts';

const VERDICTS: Record<Disk['verdict'], string> = {
  ours: 'It carries a pool of this node.',
  free: 'It may be adopted.',
  used: 'It is not taken.',
  unknown: 'It is not taken, since too little is known about it.',
};

const HEADINGS: [Reason['effect'], string][] = [
  ['used', 'Against it:'],
  ['unknown', 'Not known:'],
  ['note', 'Good to know:'],
];

/** Everything that led to the verdict, and what to do about each, as text of several lines. */
export function explainDisk(disk: Disk): string {
  const facts: [string, string | undefined][] = [
    ['path', disk.path],
    ['size', `${disk.sizeBytes} bytes`],
    ['model', disk.model],
    ['serial', disk.serial],
    ['wwn', disk.wwn],
    ['media', disk.media],
    ['transport', disk.transport],
    ['content', disk.fsType],
    ['label', disk.label === undefined ? undefined : quote(disk.label)],
    ['also', disk.identities.slice(1).concat(disk.byId).join(', ') || undefined],
    ['digest', disk.digest],
  ];
  const reasons = HEADINGS.flatMap(([effect, heading]) => {
    const lines = disk.reasons.filter((reason) => reason.effect === effect).map(describe);
    return lines.length === 0 ? [] : ['', heading, ...lines];
  });
  return [
    `${disk.id} is ${disk.verdict}. ${VERDICTS[disk.verdict]}`,
    ...facts.filter(([, value]) => value !== undefined).map(([name, value]) => `  ${name.padEnd(10)}${value}`),
    ...reasons,
    '',
  ].join('\n');
}

const describe = ({ code, message }: Reason): string => `  ${code}: ${message}\n      ${reasonCatalogue[code].advice}`;
