import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { usualFilesystem } from '../../../src/pools/backends/image-format.ts';
import { loopsBeneath } from '../../helpers/loop.ts';
import type { AttackName } from './attack.ts';
import { type Kind, type LimitsLab, openLimitsLab } from './lab.ts';
import { attackFromPod } from './pod.ts';

const MIB = 1n << 20n;

const kinds: [string, Kind][] = [
  ['btrfs', { pool: 'qgroup', sizeBytes: 32n * MIB }],
  ['btrfs with simple quotas', { pool: 'simple', sizeBytes: 32n * MIB }],
  ['ext4 in an image on xfs', { pool: 'on-xfs', fsType: 'ext4', sizeBytes: 32n * MIB }],
  ['xfs in an image on ext4', { pool: 'on-ext4', fsType: 'xfs', sizeBytes: 64n * MIB }],
  ['ext4 in a thin image on ext4', { pool: 'on-ext4', fsType: 'ext4', thin: true, sizeBytes: 32n * MIB }],
];

const attacks: AttackName[] = [
  'plain',
  'direct',
  'mapped',
  'sparse',
  'allocate',
  'allocateAtOnce',
  'smallFiles',
  'attributes',
  'hardLinks',
  'unlinked',
  'reflinks',
];

/** SIGBUS is how a fault in a mapping is refused; EOPNOTSUPP a trick that the file system does not know. */
const REFUSED = /^(ENOSPC|EDQUOT|SIGBUS|EOPNOTSUPP)$/;

/** ext4 is what images usually hold, except where root may not grow a mounted one. */
const mayGrowExt4 = usualFilesystem() === 'ext4';

let lab: LimitsLab;
beforeAll(async () => {
  lab = await openLimitsLab();
});
afterAll(async () => {
  await lab?.dispose();
  expect(loopsBeneath(lab.loops.dir)).toEqual([]);
});

let count = 0;
const nextName = (): string => `volume-${++count}`;

const made: string[] = [];
afterEach(async () => {
  for (const id of made.splice(0)) {
    await lab.kubelet.unpublish(id);
    await lab.kubelet.remove(id);
  }
});

/** A volume that goes away after the test; its id, and where the pod has it. */
async function publishNew(kind: Kind, options: Parameters<LimitsLab['create']>[2] = {}) {
  const id = await lab.create(kind, nextName(), options);
  made.push(id);
  return { id, path: await lab.publish(kind, id) };
}

describe.each(kinds)('%s', (_, kind) => {
  const { sizeBytes } = kind;
  let usualBytes: bigint;

  it('takes about its size from a writer without tricks', async () => {
    const { id, path } = await publishNew(kind);
    const { bytes, refusal } = await attackFromPod(path, 'plain', sizeBytes);
    usualBytes = bytes;
    expect(refusal).toMatch(REFUSED);
    expect(bytes).toBeGreaterThan((sizeBytes * 6n) / 10n);
    expect(bytes).toBeLessThanOrEqual(sizeBytes);
    lab.requireHeld(id, sizeBytes);
  });

  it.each(attacks)('holds against %s, and leaves a neighbour its size', async (attack) => {
    const [{ id, path }, neighbour] = [await publishNew(kind), await publishNew(kind)];
    const { bytes, refusal } = await attackFromPod(path, attack, sizeBytes);
    expect(refusal).toMatch(REFUSED);
    expect(bytes).toBeLessThanOrEqual(sizeBytes);
    lab.requireHeld(id, sizeBytes);

    const beside = await attackFromPod(neighbour.path, 'plain', sizeBytes);
    expect(beside.bytes).toBeGreaterThanOrEqual(usualBytes - MIB);
    lab.requireHeld(neighbour.id, sizeBytes);
  });

  it('gives back what is deleted, however often', async () => {
    const { id, path } = await publishNew(kind);
    expect((await attackFromPod(path, 'deleteAndRewrite', sizeBytes)).refusal).toBeUndefined();
    lab.requireHeld(id, sizeBytes);
  });

  it('holds in a clone, a larger clone, a restored snapshot, and what they come from', async () => {
    const { id, path } = await publishNew(kind);
    await attackFromPod(path, 'plain', sizeBytes / 4n);
    const snapshot = await lab.kubelet.snapshot(id, nextName());
    const canGrow = kind.fsType !== 'ext4' || mayGrowExt4;
    const copies = [
      { source: { volume: id }, sizeBytes },
      { source: { snapshot }, sizeBytes },
      ...(canGrow ? [{ source: { volume: id }, sizeBytes: sizeBytes + 16n * MIB }] : []),
    ];
    for (const options of copies) {
      const copy = await publishNew(kind, options);
      const { bytes, refusal } = await attackFromPod(copy.path, 'smallFiles', options.sizeBytes);
      expect(refusal).toMatch(REFUSED);
      expect(bytes).toBeLessThanOrEqual(options.sizeBytes);
      lab.requireHeld(copy.id, options.sizeBytes);
    }
    expect((await attackFromPod(path, 'direct', sizeBytes)).refusal).toMatch(REFUSED);
    lab.requireHeld(id, sizeBytes);
    await lab.daemon.csi.call('DeleteSnapshot', { snapshot_id: snapshot });
  });

  it('holds at the new size of a volume that was expanded', async ({ skip }) => {
    skip(kind.fsType === 'ext4' && !mayGrowExt4, 'this machine does not let root grow a mounted ext4');
    const { id, path } = await publishNew(kind);
    const before = await attackFromPod(path, 'plain', sizeBytes);
    await lab.kubelet.expand(id, sizeBytes + 16n * MIB);
    const after = await attackFromPod(path, 'hardLinks', sizeBytes);
    expect(after.refusal).toMatch(REFUSED);
    expect(after.bytes).toBeGreaterThan(8n * MIB);
    expect(before.bytes + after.bytes).toBeLessThanOrEqual(sizeBytes + 16n * MIB);
    lab.requireHeld(id, sizeBytes + 16n * MIB);
  });
});
