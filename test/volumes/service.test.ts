import { describe, expect, test } from 'vitest';
import type { PoolConfig } from '../../src/config/index.ts';
import { BerthError } from '../../src/errors.ts';
import type { Pool } from '../../src/pools/manager.ts';
import type { Opened } from '../../src/pools/protocol.ts';
import type { Capability, CreateVolume, PoolState } from '../../src/volumes/model.ts';
import { createVolumeService } from '../../src/volumes/service.ts';

const call = { deadline: Number.MAX_SAFE_INTEGER, requestId: 'r' };
const GIB = 1n << 30n;
const capability: Capability = { access: { kind: 'mount', fsType: '', mountOptions: [] }, mode: 'SINGLE_NODE_WRITER' };
const uuid = (digit: string): string => '00000000-0000-4000-8000-000000000000'.replace(/0$/, digit);
const poolId = (digit: string): string => uuid(digit).replace(/^0/, 'a');

interface FakePool extends Pool {
  asked: { operation: string; args: Record<string, unknown> }[];
  state: PoolState;
}

/** Answers from a list of volume uuids, and records what it is asked. */
function fakePool(options: {
  digit: string;
  name?: string;
  className?: string;
  free?: bigint;
  state?: PoolState;
  unread?: boolean;
  volumes?: string[];
  fail?: BerthError;
}): FakePool {
  const id = poolId(options.digit);
  const opened = {
    id,
    names: [],
    filesystems: ['btrfs'],
    defaultFilesystem: 'btrfs',
    blockVolumes: false,
    granularityBytes: 4096n,
    minimumBytes: { btrfs: 1n << 20n },
  } as unknown as Opened;
  const asked: FakePool['asked'] = [];
  const volumes = options.volumes ?? [];
  const answers: Record<string, (args: Record<string, unknown>) => unknown> = {
    createVolume: (args) => ({ id: `${id}.${uuid('9')}`, name: args['name'] }),
    listVolumes: ({ after = '', limit }) =>
      volumes
        .filter((one) => one > (after as string))
        .slice(0, limit as number)
        .map((one) => ({ id: `${id}.${one}` })),
  };
  return {
    config: { name: options.name ?? `pool-${options.digit}`, class: options.className ?? 'fast' } as PoolConfig,
    id: options.unread ? undefined : id,
    state: options.state ?? 'ready',
    opened: options.unread ? undefined : opened,
    availableBytes: () => options.free ?? GIB,
    status: () => ({ state: options.state ?? 'ready' }) as ReturnType<Pool['status']>,
    asked,
    call: (async (operation: string, args: Record<string, unknown>) => {
      asked.push({ operation, args });
      if (options.fail !== undefined) throw options.fail;
      return answers[operation]?.(args);
    }) as Pool['call'],
  };
}

const request = (more: Partial<CreateVolume> = {}): CreateVolume => ({
  name: 'pvc-1',
  size: { requiredBytes: GIB, limitBytes: 0n },
  capabilities: [capability],
  parameters: { thin: false, nodatacow: false },
  ioLimits: {},
  ...more,
});
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('choosing a pool', () => {
  test('takes the one of the class with the most room', async () => {
    const small = fakePool({ digit: '1' });
    const large = fakePool({ digit: '2', free: 9n * GIB });
    const other = fakePool({ digit: '3', className: 'bulk', free: 99n * GIB });
    const service = createVolumeService(() => [small, large, other]);
    await service.createVolume(request({ parameters: { poolClass: 'fast', thin: false, nodatacow: false } }), call);
    expect([small, large, other].map((pool) => pool.asked.length)).toEqual([0, 1, 0]);
  });

  test('asks for the class when there are several, and refuses one that is not there', async () => {
    const service = createVolumeService(() => [fakePool({ digit: '1' }), fakePool({ digit: '2', className: 'bulk' })]);
    await expect(service.createVolume(request(), call)).rejects.toEqual(code('POOL_CLASS_REQUIRED'));
    const unknown = request({ parameters: { poolClass: 'gold', thin: false, nodatacow: false } });
    await expect(service.createVolume(unknown, call)).rejects.toEqual(code('POOL_CLASS_UNKNOWN'));
  });

  test('says why when no pool is ready', async () => {
    const service = createVolumeService(() => [fakePool({ digit: '1', state: 'lost' })]);
    await expect(service.createVolume(request(), call)).rejects.toEqual(code('POOL_UNAVAILABLE'));
  });

  test('goes to the pool that has the name, also after a deadline and when another has more room', async () => {
    let free = 9n * GIB;
    const first = { ...fakePool({ digit: '1', fail: new BerthError('POOL_DEADLINE', { pool: 'p', operation: 'o' }) }) };
    first.availableBytes = () => free;
    const second = fakePool({ digit: '2', free: 5n * GIB });
    const service = createVolumeService(() => [first, second]);
    await expect(service.createVolume(request(), call)).rejects.toEqual(code('POOL_DEADLINE'));
    free = 0n;
    await expect(service.createVolume(request(), call)).rejects.toEqual(code('POOL_DEADLINE'));
    expect([first.asked.length, second.asked.length]).toEqual([2, 0]);
  });

  test('is free again after a refusal', async () => {
    const first = fakePool({
      digit: '1',
      free: 9n * GIB,
      fail: new BerthError('POOL_NO_ROOM', { class: 'fast', needed: 1, free: 0 }),
    });
    const second = fakePool({ digit: '2' });
    const pools = [first, second];
    const service = createVolumeService(() => pools);
    await expect(service.createVolume(request(), call)).rejects.toEqual(code('POOL_NO_ROOM'));
    first.availableBytes = () => 0n;
    await service.createVolume(request(), call);
    expect(second.asked.length).toBe(1);
  });

  test('keeps a clone with its source, and refuses another class', async () => {
    const small = fakePool({ digit: '1' });
    const large = fakePool({ digit: '2', free: 9n * GIB, className: 'fast' });
    const service = createVolumeService(() => [small, large]);
    const source = { kind: 'volume' as const, id: `${poolId('1')}.${uuid('7')}` };
    await service.createVolume(request({ source }), call);
    expect(small.asked[0]?.args['source']).toEqual({ kind: 'volume', uuid: uuid('7') });
    const elsewhere = createVolumeService(() => [small, fakePool({ digit: '3', className: 'bulk' })]);
    const wrong = request({ source, parameters: { poolClass: 'bulk', thin: false, nodatacow: false } });
    await expect(elsewhere.createVolume(wrong, call)).rejects.toEqual(code('CONTENT_INCOMPATIBLE'));
  });
});

describe('ids', () => {
  const id = `${poolId('1')}.${uuid('7')}`;

  test('of no pool that is known do not exist, and deleting them is fine', async () => {
    const service = createVolumeService(() => [fakePool({ digit: '2' })]);
    await expect(service.getVolume(id, call)).rejects.toEqual(code('VOLUME_NOT_FOUND'));
    await expect(service.deleteVolume(id, call)).resolves.toBeUndefined();
    await expect(service.deleteVolume('../../etc', call)).resolves.toBeUndefined();
  });

  test('may be of a pool that has not been read: then nothing is called gone', async () => {
    const service = createVolumeService(() => [fakePool({ digit: '2', unread: true, state: 'lost' })]);
    await expect(service.deleteVolume(id, call)).rejects.toEqual(code('POOL_UNAVAILABLE'));
    await expect(service.getVolume(id, call)).rejects.toEqual(code('POOL_UNAVAILABLE'));
  });
});

describe('listing', () => {
  const service = createVolumeService(() => [
    fakePool({ digit: '2', volumes: [uuid('1'), uuid('2')] }),
    fakePool({ digit: '1', volumes: [uuid('1'), uuid('2'), uuid('3')] }),
  ]);

  test('gives all in the order of their ids', async () => {
    const { items, next } = await service.listVolumes({ token: '', max: 0 }, call);
    expect(next).toBeUndefined();
    expect(items.map(({ id }) => id)).toEqual(items.map(({ id }) => id).toSorted());
    expect(items).toHaveLength(5);
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'gives the same in pages of %i, across pools, without an empty last page',
    async (max) => {
      const ids: string[] = [];
      let token = '';
      let pages = 0;
      do {
        const page = await service.listVolumes({ token, max }, call);
        ids.push(...page.items.map(({ id }) => id));
        expect(page.items.length).toBeGreaterThan(0);
        token = page.next ?? '';
        pages += 1;
      } while (token !== '');
      expect(ids).toHaveLength(5);
      expect(new Set(ids).size).toBe(5);
      expect(pages).toBe(Math.ceil(5 / max));
    },
  );

  test('refuses a token that is none', async () => {
    await expect(service.listVolumes({ token: 'x', max: 1 }, call)).rejects.toEqual(code('PAGE_TOKEN_INVALID'));
  });
});

test('a mount at a path given with an unknown id is left alone', async () => {
  const service = createVolumeService(() => [fakePool({ digit: '1' })]);
  await expect(service.unpublishVolume({ id: 'rubbish', targetPath: '/proc' }, call)).rejects.toEqual(
    code('TARGET_NOT_USABLE'),
  );
  await expect(service.unstageVolume({ id: 'rubbish', stagingPath: '/proc' }, call)).rejects.toEqual(
    code('TARGET_NOT_USABLE'),
  );
});
