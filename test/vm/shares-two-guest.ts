/**
 * One of the two machines of shares-two.sh, `one` with the pool and `two` without: each is a node with a daemon of its own, and both use one
 * claim through CSI. They meet, and ask the host, by files in /host.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { tryLockRange, unlockRange } from '../../src/host/record-lock.ts';
import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { until } from '../helpers/until.ts';
import { appendLines, createShare, DIR, PATIENT, requireEqual, useOf, type Volume } from './share-use.ts';
import { createStep } from './step.ts';

const [me = ''] = process.argv.slice(2);
const isOne = me === 'one';
const other = isOne ? 'two' : 'one';
const addresses: Record<string, string> = { one: '10.77.0.1', two: '10.77.0.2' };
const PORT = 2049;
const LINES = 40;
const KILLS = 3;
/** A lease, and time for the emulated machine. */
const LATE_MS = 120_000;
const WHOLE = { startBytes: 0n, lengthBytes: 0n };
const pools = isOne
  ? [{ name: 'throwaway', class: 'throwaway', backend: 'directory', directory: join(DIR, 'pool'), shared: true }]
  : [];

let daemon: Daemon;
const startMine = (): Promise<Daemon> =>
  startDaemon({
    dir: join(DIR, me),
    pools,
    config: {
      node: { name: me, stateDir: join(DIR, me, 'state'), address: addresses[me] },
      nfs: { listen: `${addresses[me]}:${PORT}`, allow: ['10.77.0.0/24'] },
    },
  });

const step = createStep(() => {
  touch('failed');
  return daemon?.log().slice(-6_000) ?? '';
});
const touch = (name: string): void => writeFileSync(`/host/${name}`, '');
const waitFor = (name: string): Promise<void> =>
  until(
    name,
    () => {
      if (existsSync('/host/failed')) throw new Error('the other machine has failed');
      return existsSync(`/host/${name}`);
    },
    LATE_MS,
  );
const meet = async (point: string): Promise<void> => {
  touch(`${point}.${me}`);
  await waitFor(`${point}.${other}`);
};

/** What the work ends with: `nothing`, or the error's code. */
const codeOf = (work: () => void): string => {
  try {
    work();
    return 'nothing';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
};

await step('a daemon is up', async () => {
  const [card = ''] = readdirSync('/sys/class/net').filter((name) => name !== 'lo');
  // A client is known by its host's name.
  execFileSync('hostname', [me]);
  execFileSync('ip', ['addr', 'flush', 'dev', card]);
  execFileSync('ip', ['addr', 'add', `${addresses[me]}/24`, 'dev', card]);
  execFileSync('modprobe', ['nfsv4']);
  mkdirSync(join(DIR, 'pool'), { recursive: true });
  daemon = await startMine();
});

const volume = await step('a claim of both nodes', async () => {
  if (isOne) {
    await until('the pool is open', async () => (await daemon.admin.listPools())[0]?.state === 'ready');
    const made = await createShare(daemon.csi, 'both', ['one', 'two']);
    writeFileSync('/host/claim', JSON.stringify(made));
  }
  await meet('made');
  return JSON.parse(readFileSync('/host/claim', 'utf8')) as Volume;
});
const use = useOf(() => daemon.csi, me, volume);

const path = await step('is published on both', async () => {
  const published = await use.publish('pod');
  requireEqual('the mount', use.kind(), 'nfs4');
  writeFileSync(join(published, `from-${me}`), me);
  await meet('published');
  requireEqual('the file of the other', readFileSync(join(published, `from-${other}`), 'utf8'), other);
  return published;
});

await step('locks hold between them', async () => {
  const fd = openSync(join(path, 'lock'), 'a+');
  const flock = (): boolean => codeOf(() => execFileSync('flock', ['-n', join(path, 'flock'), 'true'])) === 'nothing';
  if (isOne) {
    requireEqual('the lock', tryLockRange(fd, 'write', WHOLE), true);
    await meet('locked');
    await meet('refused');
    unlockRange(fd, WHOLE);
    await meet('unlocked');
    await meet('taken');
    requireEqual('the lock that the other has', tryLockRange(fd, 'write', WHOLE), false);
    requireEqual('the flock that the other has', flock(), false);
    await meet('tried');
  } else {
    await meet('locked');
    requireEqual('the lock that the other has', tryLockRange(fd, 'write', WHOLE), false);
    await meet('refused');
    await meet('unlocked');
    requireEqual('the lock', tryLockRange(fd, 'write', WHOLE), true);
    const holder = execFileSync('sh', [
      '-c',
      'exec 9>>"$0"; flock -n 9 || exit 1; sleep 3600 >&- 2>&- & echo $!',
      join(path, 'flock'),
    ]);
    await meet('taken');
    await meet('tried');
    process.kill(Number(holder));
  }
  closeSync(fd);
});

await step('the daemon that serves it is killed while both write, and nothing is lost', async () => {
  const held = openSync(join(path, 'held'), 'a+');
  if (isOne) requireEqual('the lock', tryLockRange(held, 'write', WHOLE), true);
  await meet('load');
  const written = appendLines(join(path, `log-${me}`), LINES);
  if (isOne) {
    for (let kill = 0; kill < KILLS; kill++) {
      await daemon.stop('SIGKILL');
      daemon = await startMine();
    }
  }
  await written;
  await meet('written');
  const lines = readFileSync(join(path, `log-${other}`), 'utf8').split('\n');
  requireEqual('the lines of the other', lines.length - 1, LINES);
  if (!isOne) requireEqual('the lock that was held all the time', tryLockRange(held, 'write', WHOLE), false);
  await meet('read');
  closeSync(held);
});

await step('one that is cut off loses its lease, finds out, and goes on', async () => {
  const file = join(path, 'cut');
  const fd = openSync(file, 'a+');
  const write = (text: string): void => {
    writeSync(fd, text);
    fsyncSync(fd);
  };
  if (isOne) {
    await meet('cut held');
    requireEqual('the lock that the other has', tryLockRange(fd, 'write', WHOLE), false);
    touch('cut');
    await waitFor('is-cut');
    await until('the lock of who is cut off', () => tryLockRange(fd, 'write', WHOLE), LATE_MS);
    write('one');
    touch('heal');
    await meet('healed');
  } else {
    requireEqual('the lock', tryLockRange(fd, 'write', WHOLE), true);
    write('two');
    await meet('cut held');
    await waitFor('is-cut');
    // The server is out of reach, which is no reason for this node's daemon not to answer.
    await daemon.csi.call('Probe', {}, { timeoutMs: 10_000 });
    await waitFor('is-healed');
    const problem = codeOf(() => write('late'));
    if (problem !== 'EIO' && problem !== 'ETIMEDOUT')
      throw new Error(`${problem} of a write under a lock that was lost`);
    await meet('healed');
    requireEqual('what is in the file', readFileSync(file, 'utf8'), 'twoone');
  }
  codeOf(() => closeSync(fd));
  await meet('cut over');
});

await step('the pods end, and the claim goes', async () => {
  await use.unpublish('pod');
  await use.unstage();
  requireEqual('the mount', use.kind(), undefined);
  await meet('ended');
  if (isOne) await daemon.csi.call('DeleteVolume', { volume_id: volume.volume_id }, PATIENT);
  await daemon.stop();
});
process.exit(0);
