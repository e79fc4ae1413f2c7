import { describe, expect, it } from 'vitest';
import type { Handler } from '../../src/csi/compose.ts';
import type { CreateVolumeRequest, PageRequest, Topology } from '../../src/csi/types.ts';
import { BerthError } from '../../src/errors.ts';
import { createDoubts, createRoutes, type FleetNode } from '../../src/fleet/index.ts';
import { callOf, type FakeNode, fakeNode } from './fake-node.ts';

const GIB = 1n << 30n;
const SETTLED = { settledAt: 0, now: () => 1 };

const routesOver = (nodes: readonly FleetNode[], settling = SETTLED) =>
  createRoutes({ nodes: () => [...nodes] }, createDoubts(settling));

const call = (routes: ReturnType<typeof routesOver>, rpc: string, request: object, service = 'Controller') =>
  (routes[service as 'Controller'][rpc] as Handler<object, object>)(request, callOf(rpc, service));

const at = (...names: string[]): Topology[] => names.map((name) => ({ segments: { 'topology.berth.dev/node': name } }));

const wanted = (changes: Partial<CreateVolumeRequest> = {}): CreateVolumeRequest => ({
  name: 'pvc-1',
  capacity_range: { required_bytes: String(GIB), limit_bytes: '0' },
  volume_capabilities: [],
  parameters: { poolClass: 'fast' },
  volume_content_source: null,
  accessibility_requirements: null,
  mutable_parameters: {},
  ...changes,
});

/** Makes what it is asked for; `has` says what it has already. */
const maker = (name: string, freeBytes: bigint, { has = [] as string[], full = false } = {}): FakeNode =>
  fakeNode(
    name,
    {
      FindVolume: ({ name: volume }: { name: string }) => ({ found: has.includes(volume) }),
      CreateVolume: () => {
        if (full) throw new BerthError('POOL_NO_ROOM', { class: 'fast', needed: 1n, free: 0n });
        return { volume: { volume_id: `on ${name}`, capacity_bytes: '1' } };
      },
    },
    { freeBytes },
  );
const chosen = async (routes: ReturnType<typeof routesOver>, request = wanted()): Promise<string> =>
  ((await call(routes, 'CreateVolume', request)) as { volume: { volume_id: string } }).volume.volume_id;

describe('a new volume', () => {
  it('goes to the node with the most room', async () => {
    expect(await chosen(routesOver([maker('a', 2n * GIB), maker('b', 5n * GIB), maker('c', 3n * GIB)]))).toBe('on b');
  });

  it('goes where the topology says, and nobody else is asked', async () => {
    const [a, b] = [maker('a', 2n * GIB), maker('b', 5n * GIB)];
    const request = wanted({ accessibility_requirements: { requisite: at('a'), preferred: at('a') } });
    expect(await chosen(routesOver([a, b]), request)).toBe('on a');
    expect([a.asked, b.asked]).toEqual([['CreateVolume'], []]);
  });

  it('goes to the preferred of several allowed', async () => {
    const nodes = [maker('a', 2n * GIB), maker('b', 5n * GIB), maker('c', 9n * GIB)];
    const request = wanted({ accessibility_requirements: { requisite: at('a', 'b'), preferred: at('a') } });
    expect(await chosen(routesOver(nodes), request)).toBe('on a');
  });

  it('that a node has already goes there again, however much room another has', async () => {
    expect(await chosen(routesOver([maker('a', 0n, { has: ['pvc-1'] }), maker('b', 5n * GIB)]))).toBe('on a');
  });

  it('goes to the next node when one turns out to be full', async () => {
    expect(await chosen(routesOver([maker('a', 5n * GIB, { full: true }), maker('b', 2n * GIB)]))).toBe('on b');
    await expect(chosen(routesOver([maker('a', 5n * GIB, { full: true })]))).rejects.toMatchObject({
      code: 'POOL_NO_ROOM',
    });
  });

  it('waits for the only node that it may be on', async () => {
    const request = wanted({ accessibility_requirements: { requisite: at('gone'), preferred: [] } });
    await expect(chosen(routesOver([maker('a', GIB)]), request)).rejects.toMatchObject({
      status: 'UNAVAILABLE',
      message: expect.stringContaining('gone'),
    });
  });

  it('goes where its source is', async () => {
    const [a, b] = [maker('a', 2n * GIB), maker('b', 5n * GIB)];
    const id = `${a.pools[0]!.id}.00000000-0000-4000-8000-000000000001`;
    const request = wanted({ volume_content_source: { type: 'volume', volume: { volume_id: id } } });
    expect(await chosen(routesOver([a, b]), request)).toBe('on a');
  });
});

describe('a volume that may be there already', () => {
  const anywhere = wanted({ accessibility_requirements: { requisite: at('a', 'b'), preferred: [] } });

  it('is not made elsewhere while the nodes are still coming back', async () => {
    const settling = { settledAt: 10, now: () => 5 };
    await expect(chosen(routesOver([maker('a', GIB)], settling), anywhere)).rejects.toMatchObject({
      code: 'NODE_UNCERTAIN',
    });
    expect(await chosen(routesOver([maker('a', GIB)]), anywhere)).toBe('on a');
  });

  it('without a topology is not made at all until then, since nobody knows who is missing', async () => {
    const settling = { settledAt: 10, now: () => 5 };
    await expect(chosen(routesOver([maker('a', GIB)], settling))).rejects.toMatchObject({ code: 'NODE_UNCERTAIN' });
  });

  it('is made where its topology leaves one node, at once', async () => {
    const settling = { settledAt: 10, now: () => 5 };
    const request = wanted({ accessibility_requirements: { requisite: at('a'), preferred: [] } });
    expect(await chosen(routesOver([maker('a', GIB)], settling), request)).toBe('on a');
  });

  it('is not made elsewhere after a link broke, until its node is back', async () => {
    const breaking = fakeNode(
      'b',
      {
        FindVolume: () => ({ found: false }),
        CreateVolume: () => {
          throw new BerthError('NODE_LINK_LOST', { node: 'b', method: 'CreateVolume' });
        },
      },
      { freeBytes: 9n * GIB },
    );
    let nodes: FleetNode[] = [maker('a', GIB), breaking];
    const routes = createRoutes({ nodes: () => nodes }, createDoubts(SETTLED));
    await expect(chosen(routes, anywhere)).rejects.toMatchObject({ code: 'NODE_LINK_LOST', status: 'ABORTED' });
    nodes = [maker('a', GIB)];
    await expect(chosen(routes, anywhere)).rejects.toMatchObject({ code: 'NODE_UNCERTAIN' });
    nodes = [maker('a', GIB), maker('b', 9n * GIB, { has: ['pvc-1'] })];
    expect(await chosen(routes, anywhere)).toBe('on b');
  });
});

describe('a call on something that exists', () => {
  const ids = (node: FakeNode, count: number) => `${node.pools[0]!.id}.00000000-0000-4000-8000-00000000000${count}`;

  it('goes to the node of its pool; unknown pools are out of reach, not gone', async () => {
    const [a, b] = ['a', 'b'].map((name) => fakeNode(name, { DeleteVolume: () => ({}) })) as [FakeNode, FakeNode];
    const routes = routesOver([a, b]);
    await call(routes, 'DeleteVolume', { volume_id: ids(b, 1) });
    expect([a.asked, b.asked]).toEqual([[], ['DeleteVolume']]);
    const elsewhere = '99999999-0000-4000-8000-000000000000.00000000-0000-4000-8000-000000000001';
    await expect(call(routes, 'DeleteVolume', { volume_id: elsewhere })).rejects.toMatchObject({ code: 'NODE_AWAY' });
  });

  it('goes to the node that serves the pool when two know it', async () => {
    const lost = fakeNode('a', {}, { poolId: ids(fakeNode('c'), 1).split('.')[0]! });
    const moved = fakeNode('b', { DeleteVolume: () => ({}) }, { poolId: lost.pools[0]!.id! });
    (lost.pools[0] as { state: string }).state = 'lost';
    await call(routesOver([lost, moved]), 'DeleteVolume', { volume_id: ids(lost, 1) });
    expect(moved.asked).toEqual(['DeleteVolume']);
  });

  it('without a node is UNAVAILABLE', async () => {
    await expect(call(routesOver([]), 'DeleteVolume', { volume_id: 'x' })).rejects.toMatchObject({ code: 'NODE_AWAY' });
  });

  it('on a group over two nodes is refused', async () => {
    const [a, b] = [fakeNode('a'), fakeNode('b')];
    const request = { name: 'g', source_volume_ids: [ids(a, 1), ids(b, 1)], parameters: {} };
    await expect(
      call(routesOver([a, b]), 'CreateVolumeGroupSnapshot', request, 'GroupController'),
    ).rejects.toMatchObject({ code: 'GROUP_NOT_CONSISTENT' });
  });
});

describe('GetCapacity', () => {
  const having = (name: string, bytes: bigint, most: bigint) =>
    fakeNode(name, {
      GetCapacity: () => ({ available_capacity: String(bytes), maximum_volume_size: { value: String(most) } }),
    });
  const request = { volume_capabilities: [], parameters: {}, accessible_topology: null };

  it('adds up the nodes, and takes the largest volume', async () => {
    const routes = routesOver([having('a', 5n, 4n), having('b', 7n, 2n)]);
    expect(await call(routes, 'GetCapacity', request)).toEqual({
      available_capacity: '12',
      maximum_volume_size: { value: '4' },
    });
  });

  it('of one node is that node’s, and not nothing while the node is away', async () => {
    const routes = routesOver([having('a', 5n, 4n), having('b', 7n, 2n)]);
    const of = (name: string) => ({ ...request, accessible_topology: at(name)[0]! });
    expect(await call(routes, 'GetCapacity', of('b'))).toMatchObject({ available_capacity: '7' });
    await expect(call(routes, 'GetCapacity', of('c'))).rejects.toMatchObject({ code: 'NODE_AWAY' });
  });
});

describe('listings', () => {
  /** A node whose volumes have these last digits; it gives `max_entries` after the token, as the real ones do. */
  const lister = (pool: string, digits: number[]): FakeNode => {
    const poolId = `${pool}0000000-0000-4000-8000-000000000000`;
    const all = digits.map((digit) => `${poolId}.00000000-0000-4000-8000-00000000000${digit}`);
    return fakeNode(
      pool,
      {
        ListVolumes: ({ max_entries, starting_token }: PageRequest) => {
          const after = Buffer.from(starting_token, 'base64url').toString().replace('after:', '');
          const rest = all.filter((id) => id > after);
          const page = max_entries === 0 ? rest : rest.slice(0, max_entries);
          const entries = page.map((volume_id) => ({ volume: { volume_id, capacity_bytes: '1' } }));
          const next = page.length < rest.length ? Buffer.from(`after:${page.at(-1)}`).toString('base64url') : '';
          return { entries, next_token: next };
        },
      },
      { poolId },
    );
  };
  const list = async (nodes: FleetNode[], max: number): Promise<string[][]> => {
    const routes = routesOver(nodes);
    const pages: string[][] = [];
    let token = '';
    do {
      const page = (await call(routes, 'ListVolumes', { max_entries: max, starting_token: token })) as {
        entries: { volume: { volume_id: string } }[];
        next_token: string;
      };
      pages.push(page.entries.map(({ volume }) => `${volume.volume_id[0]}${volume.volume_id.at(-1)}`));
      token = page.next_token;
    } while (token !== '');
    return pages;
  };

  it('go through all nodes in one order, in pages of any size', async () => {
    const nodes = [lister('b', [1, 2, 3]), lister('a', [1, 2]), lister('c', [])];
    expect(await list(nodes, 0)).toEqual([['a1', 'a2', 'b1', 'b2', 'b3']]);
    expect(await list(nodes, 2)).toEqual([['a1', 'a2'], ['b1', 'b2'], ['b3']]);
    expect(await list(nodes, 3)).toEqual([
      ['a1', 'a2', 'b1'],
      ['b2', 'b3'],
    ]);
    expect(await list(nodes, 5)).toEqual([['a1', 'a2', 'b1', 'b2', 'b3']]);
  });

  it('refuse a token that is none, also without nodes', async () => {
    const request = { max_entries: 0, starting_token: 'x' };
    await expect(call(routesOver([]), 'ListVolumes', request)).rejects.toMatchObject({ code: 'PAGE_TOKEN_INVALID' });
  });
});
