import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AdminClient, connectAdmin } from '../../src/admin/client.ts';
import { type CallRecord, serveAdmin } from '../../src/admin/index.ts';
import { BerthError } from '../../src/errors.ts';
import type { UnixServer } from '../../src/rpc/server.ts';
import type { Job } from '../../src/volumes/model.ts';
import { fakeBackend, fakeDisk } from './fake-backend.ts';
import { CREATED_AT, type FakeState, fakePool, fakeVolume, newState, POOL_ID } from './fake-service.ts';

let dir: string;
let state: FakeState;
let records: CallRecord[];
let server: UnixServer;
let client: AdminClient;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'berth-admin-'));
  state = newState();
  records = [];
  const socket = join(dir, 'admin.sock');
  server = await serveAdmin({
    socket,
    backend: fakeBackend(state, join(dir, 'staging')),
    observe: (record) => records.push(record),
  });
  client = connectAdmin({ socket, timeoutMs: 5_000 });
});

afterEach(async () => {
  client.close();
  await server.close(1_000);
  rmSync(dir, { recursive: true });
});

const create = { pool_class: 'fast', block: false, fs_type: '', thin: false, nodatacow: false, source: null };
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the socket', () => {
  it('belongs to its owner alone and goes away with the server', async () => {
    expect(statSync(server.path).mode & 0o777).toBe(0o600);
    await server.close(0);
    expect(existsSync(server.path)).toBe(false);
  });

  it('is not taken from a daemon that answers', async () => {
    const second = serveAdmin({ socket: server.path, backend: fakeBackend(state, dir) });
    await expect(second).rejects.toMatchObject({ code: 'SOCKET_IN_USE' });
    expect((await client.status()).node).toBe('n1');
  });
});

describe('what comes back is what the daemon has', () => {
  it('volumes with every field, in bytes beyond 2^53', async () => {
    const full = fakeVolume(1, {
      sizeBytes: (1n << 62n) + 1n,
      content: 'ext4',
      backend: 'image',
      parameters: { poolClass: 'fast', thin: true, nodatacow: true },
      source: { kind: 'snapshot', id: 'a.b' },
      mounts: [{ path: '/p', readOnly: true }],
      device: '/dev/loop7',
    });
    state.volumes = [full];
    expect(await client.getVolume(full.id)).toEqual(full);
  });

  it('pools, also one that was never read', async () => {
    const lost = fakePool({ id: undefined, name: 'b', state: 'lost', reason: 'the disk is gone', totalBytes: 0n });
    state.pools = [fakePool(), lost];
    expect(await client.listPools()).toEqual([{ ...fakePool(), reason: undefined }, lost]);
  });

  it('snapshots and jobs', async () => {
    state.volumes = [fakeVolume(1)];
    const snapshot = await client.createSnapshot(state.volumes[0]!.id, 'before');
    expect(snapshot).toEqual({ ...state.snapshots[0], groupId: undefined });
    state.snapshots[0]!.groupId = 'g';
    expect(await client.listSnapshots()).toEqual(state.snapshots);
    state.jobs = [job('1', { state: 'failed', endedAt: 7, error: 'no' }), job('2')];
    expect(await client.listJobs()).toEqual([state.jobs[0], { ...job('2'), endedAt: undefined, error: undefined }]);
  });

  it('disks, without the snapshot', async () => {
    const [disk, used] = await client.listDisks();
    expect(disk).toEqual({ ...fakeDisk(), fsType: undefined, label: undefined, pool: undefined });
    expect(used?.reasons.map((reason) => reason.code)).toEqual(['MOUNTED', 'SYSTEM_DISK']);
    expect((await client.explainDisk('sda')).disk).toEqual(used);
  });

  it('why a disk is what it is, and what the drive says', async () => {
    const { explanation, facts } = await client.explainDisk('nvme1n1');
    expect(explanation).toContain('EMPTY: nothing is on it');
    expect(facts).toEqual({ interface: undefined, firmware: 'GDC5902Q', temperatureCelsius: 38, health: 'Ok' });
    expect((await client.explainDisk('sda')).facts.temperatureCelsius).toBeUndefined();
  });

  it('status with the pools that are not well', async () => {
    state.pools = [fakePool({ state: 'lost', reason: 'the disk is gone' })];
    state.jobs = [job('1'), job('2', { state: 'done' })];
    expect(await client.status()).toMatchObject({
      node: 'n1',
      zone: 'z1',
      region: '',
      startedAt: CREATED_AT,
      problems: ['pool nvme: the disk is gone'],
      running_jobs: 1,
    });
  });

  it('status also while a pool does not answer', async () => {
    Object.defineProperty(state, 'jobs', {
      get: () => {
        throw new BerthError('POOL_DEADLINE', { pool: 'nvme', operation: 'listJobs' });
      },
    });
    expect(await client.status()).toMatchObject({ node: 'n1', running_jobs: 0 });
  });

  it('every page of a long list', async () => {
    state.volumes = Array.from({ length: 1_201 }, (_, index) => fakeVolume(index + 1));
    const volumes = await client.listVolumes();
    expect(volumes.map(({ id }) => id)).toEqual(state.volumes.map(({ id }) => id));
    expect(state.calls).toHaveLength(3);
  });
});

describe('volumes', () => {
  it('are created as asked', async () => {
    const source = { kind: 'volume', id: `${POOL_ID}.x` };
    await client.createVolume({ ...create, name: 'data', size_bytes: '4096', block: true, thin: true, source });
    expect(state.calls).toEqual([
      `createVolume ${JSON.stringify({
        name: 'data',
        size: { requiredBytes: '4096n', limitBytes: '0n' },
        capabilities: [{ access: { kind: 'block' }, mode: 'SINGLE_NODE_MULTI_WRITER' }],
        parameters: { poolClass: 'fast', thin: true, nodatacow: false },
        ioLimits: {},
        source,
      })}`,
    ]);
  });

  it.each([
    [{ name: '' }, 'name: is missing'],
    [{ name: 'ä'.repeat(65) }, 'name: must have at most 128 bytes'],
    [{ name: 'a\nb' }, 'name: must have'],
    [{ size_bytes: '-1' }, 'size_bytes: -1 is negative'],
    [{ block: true, fs_type: 'xfs' }, 'fs_type: a raw block volume has no file system'],
    [{ source: { kind: 'disk', id: 'x' } }, 'source.kind: disk is neither'],
    [{ source: { kind: 'volume', id: '' } }, 'source.id: is missing'],
  ])('are refused with %j', async (changes, message) => {
    const error = await failure(client.createVolume({ ...create, name: 'data', size_bytes: '1', ...changes }));
    expect(error).toMatchObject({ code: 'FIELD_INVALID' });
    expect((error as Error).message).toContain(message);
    expect(state.calls).toEqual([]);
  });

  it('and snapshots are deleted, also twice', async () => {
    state.volumes = [fakeVolume(1)];
    const { id } = await client.createSnapshot(fakeVolume(1).id, 's');
    for (const _ of [1, 2]) {
      await client.deleteSnapshot(id);
      await client.deleteVolume(fakeVolume(1).id);
    }
    expect(state).toMatchObject({ volumes: [], snapshots: [] });
    expect(await failure(client.deleteVolume(''))).toMatchObject({ code: 'FIELD_INVALID' });
  });

  it('grow, also where they are mounted', async () => {
    state.volumes = [fakeVolume(1, { mounts: [{ path: '/p', readOnly: false }] })];
    const { id } = state.volumes[0]!;
    expect((await client.expandVolume(id, 2n << 30n)).sizeBytes).toBe(2n << 30n);
    expect(state.calls.at(-1)).toBe(
      `expandNode {"id":"${id}","path":"/p","size":{"requiredBytes":"${2n << 30n}n","limitBytes":"0n"}}`,
    );
  });

  it('tell their usage and health', async () => {
    state.volumes = [fakeVolume(2, { name: 'ill' })];
    const { usage, problems } = await client.checkVolume(state.volumes[0]!.id);
    expect(usage.bytes).toEqual({ total: 2n << 30n, used: 1n << 29n, available: 3n << 29n });
    expect(usage.inodes?.used).toBe(10n);
    expect(problems).toEqual([{ status: 'DEGRADED', reason: 'CsumErrors', message: '3 checksum errors' }]);
  });
});

describe('mounts', () => {
  const mount = (path: string) =>
    client.mountVolume({ id: state.volumes[0]!.id, path, readOnly: false, mountOptions: [] });
  const stagingOf = ({ id }: { id: string }) => join(dir, 'staging', id);

  beforeEach(() => {
    state.volumes = [fakeVolume(1)];
  });

  it('stage once and unstage after the last', async () => {
    const volume = state.volumes[0]!;
    await mount('/mnt/a');
    await mount('/mnt/b/');
    expect(existsSync(stagingOf(volume))).toBe(true);
    const left = (await client.unmountVolume(volume.id, '/mnt/a')).mounts.map(({ path }) => path);
    expect(left).toEqual([stagingOf(volume), '/mnt/b']);
    expect((await client.unmountVolume(volume.id, '/mnt/b')).mounts).toEqual([]);
    expect(existsSync(stagingOf(volume))).toBe(false);
  });

  it('leave nothing staged when publishing fails', async () => {
    state.failures.set('publishVolume', new BerthError('TARGET_NOT_USABLE', { path: '/mnt/a', problem: 'in use' }));
    expect(await failure(mount('/mnt/a'))).toMatchObject({ code: 'TARGET_NOT_USABLE' });
    expect(state.volumes[0]!.mounts).toEqual([]);
    expect(existsSync(stagingOf(state.volumes[0]!))).toBe(false);
  });

  it('leave the mounts of others alone', async () => {
    state.volumes[0]!.mounts = [{ path: '/var/lib/kubelet/x', readOnly: false }];
    await mount('/mnt/a');
    await client.unmountVolume(state.volumes[0]!.id, '/mnt/a');
    expect(state.volumes[0]!.mounts.map(({ path }) => path)).toContain('/var/lib/kubelet/x');
  });

  it.each([['relative'], ['']])('refuse the path %j', async (path) => {
    expect(await failure(mount(path))).toMatchObject({ code: 'FIELD_INVALID' });
  });

  it('refuse to undo what is not there', async () => {
    const error = await failure(client.unmountVolume(state.volumes[0]!.id, '/x'));
    expect(error).toMatchObject({ code: 'VOLUME_PATH_UNKNOWN' });
  });

  it('can be unstaged by hand when the mounts of others kept them staged', async () => {
    const volume = state.volumes[0]!;
    await mount('/mnt/a');
    volume.mounts.push({ path: '/var/lib/kubelet/x', readOnly: false });
    await client.unmountVolume(volume.id, '/mnt/a');
    const { mounts } = await client.unmountVolume(volume.id, stagingOf(volume));
    expect(mounts.map(({ path }) => path)).toEqual(['/var/lib/kubelet/x']);
  });
});

describe('disks and pools', () => {
  const adopt = { id: 'nvme1n1', digest: 'd1'.repeat(32), pool: 'fast1', class: 'fast', backend: 'btrfs' };

  it('are adopted as asked', async () => {
    expect(await client.adoptDisk(adopt)).toMatchObject({ name: 'fast1', class: 'fast', backend: 'btrfs' });
    expect(await failure(client.adoptDisk({ ...adopt, digest: 'other' }))).toMatchObject({ code: 'DISK_CHANGED' });
  });

  it.each([
    [{ id: '' }, 'id: is missing'],
    [{ digest: '' }, 'digest: is missing'],
    [{ pool: 'A b' }, 'pool: A b is not made of'],
    [{ class: '-' }, 'class: - is not made of'],
    [{ backend: 'directory' }, 'backend: directory is neither'],
  ])('refuse %j', async (changes, message) => {
    const error = await failure(client.adoptDisk({ ...adopt, ...changes }));
    expect((error as Error).message).toContain(message);
    expect(state.calls).toEqual([]);
  });

  it('are imported by name or id', async () => {
    state.pools = [fakePool({ state: 'foreign' })];
    expect(await client.importPool('nvme')).toMatchObject({ state: 'ready' });
    expect(await failure(client.importPool('x'))).toMatchObject({ code: 'POOL_UNKNOWN' });
  });

  it('are forgotten by name', async () => {
    await client.forgetPool('nvme');
    expect(state.calls).toEqual(['forgetPool {"pool":"nvme"}']);
    expect(await failure(client.forgetPool('x'))).toMatchObject({ code: 'POOL_UNKNOWN' });
    expect((await failure(client.forgetPool(''))) as Error).toMatchObject({ code: 'FIELD_INVALID' });
  });
});

describe('jobs', () => {
  it('are watched until none runs, and told only when they change', async () => {
    const looks = [0n, 0n, 50n, 50n, 100n].map((doneBytes) =>
      job('1', { doneBytes, state: doneBytes === 100n ? 'done' : 'running' }),
    );
    Object.defineProperty(state, 'jobs', { get: () => [looks.length > 1 ? looks.shift() : looks[0]] });
    const seen: bigint[] = [];
    await client.watchJobs({ ids: [], follow: false }, ([one]) => seen.push(one!.doneBytes));
    expect(seen).toEqual([0n, 50n, 100n]);
  });

  it('are followed until the caller or the daemon has enough', async () => {
    const seen: number[] = [];
    const stop = new AbortController();
    await client.watchJobs(
      { ids: [], follow: true },
      (jobs) => {
        seen.push(jobs.length);
        stop.abort();
      },
      stop.signal,
    );
    const watching = client.watchJobs({ ids: [], follow: true }, () => void server.close(60_000));
    await watching;
    expect(seen).toEqual([0]);
  });

  it('report what went wrong', async () => {
    state.failures.set('cancelJob', new Error('boom'));
    expect(await failure(client.cancelJob('1'))).toMatchObject({ code: 'INTERNAL', message: 'unexpected: boom' });
  });
});

describe('errors', () => {
  it('keep code, text and remedy, and are observed with their cause', async () => {
    expect(await failure(client.getVolume('a.b'))).toMatchObject({
      code: 'VOLUME_NOT_FOUND',
      message: 'volume a.b does not exist',
      remedy: 'Check the id with `berth volume list`.',
    });
    const [record] = records;
    expect(record).toMatchObject({ method: '/berth.v1.Admin/GetVolume', error: { code: 'VOLUME_NOT_FOUND' } });
    expect(record!.requestId).not.toBe('');
  });

  it('keep line breaks and text that is not ASCII', async () => {
    const problem = 'zwei Zeilen:\nwählen';
    state.failures.set('deleteVolume', new BerthError('VOLUME_DAMAGED', { id: 'x', problem }));
    state.volumes = [fakeVolume(1)];
    const error = await failure(client.deleteVolume(state.volumes[0]!.id));
    expect((error as Error).message).toBe(`volume x: ${problem}`);
  });

  it('name the socket when nobody is there', async () => {
    const socket = join(dir, 'none.sock');
    const stray = connectAdmin({ socket, timeoutMs: 5_000 });
    expect(await failure(stray.status())).toMatchObject({
      code: 'DAEMON_UNREACHABLE',
      message: `no berth daemon answers on ${socket}: there is no such socket`,
    });
    stray.close();
  });

  it('tell a daemon that does not answer', async () => {
    const hasty = connectAdmin({ socket: server.path, timeoutMs: 200 });
    const gate = Promise.withResolvers<never>();
    state.pools = [];
    const backend = fakeBackend(state, dir);
    backend.service.jobs = () => gate.promise;
    await server.close(0);
    server = await serveAdmin({ socket: server.path, backend });
    expect(await failure(hasty.listJobs())).toMatchObject({ code: 'REQUEST_TIMEOUT' });
    hasty.close();
  });
});

function job(id: string, changes: Partial<Job> = {}): Job {
  return {
    id,
    poolName: 'nvme',
    kind: 'copy',
    subject: 'volume data',
    state: 'running',
    doneBytes: 0n,
    totalBytes: 100n,
    startedAt: CREATED_AT,
    ...changes,
  };
}
