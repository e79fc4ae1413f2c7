/**
 * The guest's part of shares.sh: `owner` has the pool, `other` none; the kernel, and so the NFS client, is the same. The guest has no
 * address but that of its loopback.
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { readMounts } from '../../src/host/mountinfo.ts';
import type { CallError } from '../csi/client.ts';
import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { until } from '../helpers/until.ts';
import { appendLines, createShare, DIR, PATIENT, requireEqual, useOf, type Volume } from './share-use.ts';
import { createStep } from './step.ts';

/** Until the server knows that a client has gone: a lease, and time for the emulated machine. */
const GONE_MS = 120_000;
const pool = {
  name: 'throwaway',
  class: 'throwaway',
  backend: 'directory',
  directory: join(DIR, 'pool'),
  shared: true,
};

let owner: Daemon;
let other: Daemon;
let port = 0;
const step = createStep(() => [owner, other].map((daemon) => daemon?.log().slice(-6_000)).join('\n---\n'));

const start = (name: string, pools: object[]): Promise<Daemon> =>
  startDaemon({
    dir: join(DIR, name),
    pools,
    config: {
      node: { name, stateDir: join(DIR, name, 'state'), address: '127.0.0.1' },
      nfs: { listen: `127.0.0.1:${name === 'owner' ? port : 0}` },
    },
  });

const create = (name: string, nodes: string[]): Promise<Volume> => createShare(owner.csi, name, nodes);

async function requireCode(code: string, call: Promise<unknown>): Promise<void> {
  const told = await call.then(
    () => 'nothing',
    (error: CallError) => error.message,
  );
  if (!told.startsWith(code)) throw new Error(`${told} instead of ${code}`);
}

await step('two daemons are up', async () => {
  mkdirSync(pool.directory, { recursive: true });
  execFileSync('modprobe', ['nfsv4']);
  owner = await start('owner', [pool]);
  other = await start('other', []);
});

const one = await step('a volume that is made for one node', async () => {
  await until('the pool is open', async () => (await owner.admin.listPools())[0]?.state === 'ready');
  const volume = await create('one', ['owner']);
  requireEqual('its topology', volume.accessible_topology.length, 0);
  const [, found = ''] = /^127\.0\.0\.1:(\d+)\//.exec(volume.volume_context['berth.dev/share'] ?? '') ?? [];
  port = Number(found);
  return volume;
});
const mine = useOf(() => owner.csi, 'owner', one);
const theirs = useOf(() => other.csi, 'other', one);

await step('is used directly on its own, which keeps others away', async () => {
  writeFileSync(join(await mine.publish('a'), 'from-owner'), 'direct');
  requireEqual('the mount is of nfs4', mine.kind() === 'nfs4', false);
  await requireCode('SHARE_TAKEN', theirs.publish('b'));
  requireEqual('what is staged for the other', theirs.kind(), undefined);
});

await step('when its pods have ended others have it by NFS', async () => {
  await mine.unpublish('a');
  await mine.unstage();
  const path = await theirs.publish('b', '3000');
  requireEqual('the mount', theirs.kind(), 'nfs4');
  requireEqual('the file', readFileSync(join(path, 'from-owner'), 'utf8'), 'direct');
  requireEqual('the group', statSync(path).gid, 3000);
  requireEqual('the usage', (await theirs.stats('b')).usage.length, 2);
  await theirs.publish('b', '3000'); // once more is the same
});

await step('and then its own node, too', async () => {
  const path = await mine.publish('c');
  requireEqual('the mount', mine.kind(), 'nfs4');
  writeFileSync(join(path, 'by-nfs'), 'shared');
  requireEqual('the file', readFileSync(join(DIR, 'pods/other/b/by-nfs'), 'utf8'), 'shared');
  const readOnly = await mine.publish('d', undefined, true);
  let problem = '';
  try {
    writeFileSync(join(readOnly, 'no'), '');
  } catch (error) {
    problem = (error as NodeJS.ErrnoException).code ?? '';
  }
  requireEqual('the write to what is read-only', problem, 'EROFS');
});

await step('the daemon is killed while they write, and nothing is lost', async () => {
  const file = join(DIR, 'pods/other/b/log');
  const lines = appendLines(file, 40);
  for (let kill = 0; kill < 2; kill++) {
    await owner.stop('SIGKILL');
    owner = await start('owner', [pool]);
  }
  await lines;
  requireEqual('the number of lines', readFileSync(file, 'utf8').split('\n').length - 1, 40);
});

await step('its own node uses it directly again when all have gone', async () => {
  for (const pod of ['c', 'd']) await mine.unpublish(pod);
  await mine.unstage();
  await theirs.unpublish('b');
  await theirs.unstage();
  await until(
    'no client is left',
    async () => {
      const staged = await mine.publish('e').then(
        () => true,
        ({ message }: CallError) => {
          if (message.startsWith('SHARE_IN_GRACE')) return false;
          throw new Error(message);
        },
      );
      if (staged && mine.kind() !== 'nfs4') return true;
      if (staged) {
        await mine.unpublish('e');
        await mine.unstage();
      }
      return false;
    },
    GONE_MS,
  );
  await mine.unpublish('e');
  await mine.unstage();
});

await step('a volume that is made for several nodes is used by NFS from the start, and goes', async () => {
  const several = await create('several', ['owner', 'other']);
  const use = useOf(() => owner.csi, 'owner', several);
  const path = await use.publish('f');
  requireEqual('the mount', use.kind(), 'nfs4');
  appendFileSync(join(path, 'data'), 'x');
  await use.unpublish('f');
  await use.unstage();
  await owner.csi.call('DeleteVolume', { volume_id: several.volume_id }, PATIENT);
});

await step('a server that is gone keeps nobody', async () => {
  const path = await theirs.publish('g');
  const fd = openSync(join(path, 'last'), 'w');
  writeSync(fd, 'x');
  fsyncSync(fd);
  closeSync(fd);
  await owner.stop('SIGKILL');
  await theirs.unpublish('g');
  await theirs.unstage();
  requireEqual(
    'what is mounted',
    readMounts().filter(({ mountPoint }) => mountPoint.startsWith(join(DIR, 'pods'))).length,
    0,
  );
});
await other!.stop();
process.exit(0);
