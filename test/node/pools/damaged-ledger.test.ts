import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLedger } from '../../../src/pools/ledger.ts';
import { openPool } from '../../../src/pools/open.ts';
import { createVolume } from '../../../src/pools/operations/create-volume.ts';
import { createSnapshot } from '../../../src/pools/operations/snapshot.ts';
import type { PoolSpec } from '../../../src/pools/protocol.ts';
import { plainStep } from '../../../src/pools/steps.ts';
import { type Daemon, startDaemon } from '../../helpers/daemon.ts';
import { createKubelet } from '../../helpers/kubelet.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';

const MIB = 1 << 20;
/** Openings of mutated ledgers without the daemon, and with it. */
const RUNS = { opened: 150, reconciled: 1_000, served: 3 };

let lab: LoopLab;
let directory: string;
let ledger: string;
let intact: Buffer;
let images: Map<string, string>;

/** By name, a digest of each volume's file. */
const readImages = (): Map<string, string> =>
  new Map(
    readdirSync(join(directory, 'volumes')).map((name) => {
      const content = readFileSync(join(directory, 'volumes', name));
      return [name, createHash('sha256').update(content).digest('hex')];
    }),
  );
const start = (): Promise<Daemon> =>
  startDaemon({ dir: join(lab.dir, 'daemon'), pools: [{ name: 'p', class: 'p', backend: 'image', directory }] });
async function settle(daemon: Daemon) {
  const find = async () => (await daemon.admin.listPools())[0]!;
  await until('the pool has been opened or given up', async () => (await find()).state !== 'opening');
  return find();
}

beforeAll(async () => {
  lab = openLoopLab();
  directory = join(await lab.filesystem('ext4', 256 * MIB), 'pool');
  ledger = join(directory, '.berth/ledger.db');
  const daemon = await start();
  await settle(daemon);
  const kubelet = createKubelet(daemon.csi, join(lab.dir, 'kubelet'));
  for (const name of ['a', 'b', 'c']) {
    const id = await kubelet.create(name, { sizeBytes: BigInt(16 * MIB) });
    const target = await kubelet.publish(id);
    writeFileSync(join(target, 'data'), name.repeat(1000));
    await kubelet.unpublish(id);
  }
  await daemon.stop();
  intact = readFileSync(ledger);
  images = readImages();
});
afterAll(() => lab.dispose());

/** Some bytes changed, or the end missing. */
const damage = fc.oneof(
  fc
    .array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 40 })
    .map((changes) => (bytes: Buffer) => {
      const mutated = Buffer.from(bytes);
      for (const [position, value] of changes) mutated[position % mutated.length] = value;
      return mutated;
    }),
  fc.nat().map((length) => (bytes: Buffer) => bytes.subarray(0, length % bytes.length)),
  fc.constant(() => Buffer.from('this is no ledger')),
);

test('a ledger with any damage opens or is refused with a code, and nothing else', () => {
  const path = join(lab.folder(), 'ledger.db');
  fc.assert(
    fc.property(damage, (mutate) => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
      writeFileSync(path, mutate(intact));
      try {
        const opened = openLedger(path, 'p');
        opened.listObjects({ kind: 'volume' });
        opened.close();
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^LEDGER_(DAMAGED|TOO_NEW)$/) });
      }
    }),
    { numRuns: RUNS.opened },
  );
});

test('a pool with any damage to its ledger is refused with a code or reconciled, and no volume is touched', async () => {
  const pool = lab.folder('pool');
  const spec: PoolSpec = {
    name: 'p',
    class: 'p',
    backend: 'directory',
    nodeName: 'n1',
    mountsDir: lab.dir,
    storage: { kind: 'directory', path: pool },
    reserve: { percent: 0 },
    overcommit: 1,
    shared: false,
    quota: 'qgroup',
    defaultFilesystem: 'directory',
    takeOver: false,
    expectedId: undefined,
  };
  const open = () => openPool(spec, { step: plainStep, log: () => {}, onFatal: (error) => expect.fail(String(error)) });
  const path = join(pool, '.berth/ledger.db');
  const { core, close } = await open();
  for (const name of ['a', 'b', 'c']) {
    const size = { requiredBytes: 0n, limitBytes: 0n };
    const parameters = { thin: false, nodatacow: false };
    const wanted = { name, size, sizeBytes: BigInt(MIB), content: 'directory' as const, parameters, ioLimits: {} };
    const row = await createVolume(core, wanted);
    writeFileSync(join(pool, 'volumes', `${row.uuid}.1`, 'data'), name);
    await createSnapshot(core, { name: `snapshot-${name}`, sourceUuid: row.uuid });
  }
  close();
  const bytes = readFileSync(path);
  const folders = ['volumes', 'snapshots', '.berth/staging', '.berth/trash'];
  const content = () =>
    folders.flatMap((folder) =>
      readdirSync(join(pool, folder), { recursive: true, withFileTypes: true })
        .map((entry) => join(entry.parentPath, entry.name))
        .map((entry) => [entry, statSync(entry).isFile() ? readFileSync(entry, 'utf8') : '']),
    );
  const before = content();
  await fc.assert(
    fc.asyncProperty(damage, async (mutate) => {
      for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
      writeFileSync(path, mutate(bytes));
      try {
        (await open()).close();
      } catch (error) {
        expect(error).toMatchObject({
          code: expect.stringMatching(/^(LEDGER_(DAMAGED|TOO_NEW)|POOL_(FOREIGN|UNSUITABLE))$/),
        });
      }
      expect(content()).toEqual(before);
    }),
    { numRuns: RUNS.reconciled },
  );
});

test('a daemon with a damaged ledger goes on, and no volume’s data is touched', async () => {
  const samples = fc.sample(damage, { numRuns: RUNS.served, seed: 7 });
  for (const mutate of [...samples, () => Buffer.alloc(intact.length), () => Buffer.alloc(0)]) {
    for (const suffix of ['-wal', '-shm']) rmSync(ledger + suffix, { force: true });
    writeFileSync(ledger, mutate(intact));
    const daemon = await start();
    try {
      const { state, reason } = await settle(daemon);
      expect(['ready', 'failed']).toContain(state);
      if (state === 'failed') expect(reason).toMatch(/ledger/);
      else expect((await daemon.admin.listPools())[0]!.volumes).toBe(3);
      // Whatever it believes, the daemon answers.
      await daemon.csi.call('Probe');
    } finally {
      expect(await daemon.stop()).toBe(0);
    }
    expect(readImages()).toEqual(images);
  }
  for (const suffix of ['-wal', '-shm']) rmSync(ledger + suffix, { force: true });
  writeFileSync(ledger, intact);
  const daemon = await start();
  expect(await settle(daemon)).toMatchObject({ state: 'ready', volumes: 3 });
  await daemon.stop();
});
