import type { DeviceKind } from './snapshot.ts';

/** Names that drivers give. A name that is not here is `other`, which is never free. */
const NAMES: [RegExp, DeviceKind][] = [
  [/^loop\d+$/, 'loop'],
  [/^dm-\d+$/, 'dm'],
  [/^md(\d|_)/, 'md'],
  [/^z?ram\d+$/, 'memory'],
  [/^sr\d+$/, 'optical'],
  [/^(nbd|rbd)\d+$/, 'network'],
  [/^mmcblk\d+(boot\d+|rpmb|gp\d+)$/, 'boot-area'],
  [/^(sd[a-z]+|hd[a-z]+|vd[a-z]+|xvd[a-z]+|nvme\d+(c\d+)?n\d+|mmcblk\d+|pmem\d+|dasd[a-z]+|cciss!c\d+d\d+)$/, 'disk'],
];

export const kindOf = (name: string): DeviceKind => NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';

/** Multipath and encryption are set up by an operator beneath a disk's users; other mappings are somebody's volumes. */
export const isOperatorsMapping = (dmUuid: string): boolean => /^(mpath|CRYPT)-/.test(dmUuid);

const UNSUITABLE: Partial<Record<DeviceKind, string>> = {
  memory: 'a device in memory',
  optical: 'an optical drive',
  network: 'a network block device',
  'boot-area': 'the boot area of a flash chip',
  other: 'a device of an unknown kind',
};

/** What the device is, when it is of a kind that Berth never takes. */
export function whyUnsuitable(kind: DeviceKind, dmUuid = ''): string | undefined {
  return kind === 'dm' && !isOperatorsMapping(dmUuid) ? 'a logical volume or mapping' : UNSUITABLE[kind];
}
