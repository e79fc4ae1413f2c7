import { credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { issueServer, renewAuthority } from '../../src/controller/authority.ts';
import { type FleetServer, serveFleet } from '../../src/controller/fleet-server.ts';
import { BerthError, RelayedError } from '../../src/errors.ts';
import { createHub, type FleetNode, type Hub, type Identity } from '../../src/fleet/index.ts';
import { keepLink, type LinkOptions } from '../../src/fleet/link.ts';
import { until } from '../helpers/until.ts';

interface Line {
  level: string;
  message: string;
  fields: { problem?: string; reason?: string; node?: string };
}

let hub: Hub;
let server: FleetServer;
let trusted: string[];
let lines: Line[];
let tokens: Map<string, Identity>;
const links: { close(): void }[] = [];
const log = (level: string, message: string, fields: object): void => void lines.push({ level, message, fields });

beforeEach(async () => {
  lines = [];
  tokens = new Map([['good', { node: 'n1', expiresAt: Infinity }]]);
  const authority = await renewAuthority(undefined, Date.now());
  trusted = authority.trusted;
  hub = createHub({
    async authenticate(token) {
      const identity = tokens.get(token);
      if (identity === undefined)
        throw new BerthError('FLEET_DENIED', { node: '?', problem: 'the token is not valid' });
      return identity;
    },
    log,
  });
  const pair = await issueServer(authority.issuer, ['controller'], Date.now());
  server = await serveFleet({ host: '127.0.0.1', port: 0 }, hub.service, pair);
});
afterEach(() => {
  for (const link of links.splice(0)) link.close();
  hub.close();
  server.close();
});

function join(changes: Partial<LinkOptions> & { node?: string; version?: () => string } = {}): void {
  const { node = 'n1', version = () => '1' } = changes;
  links.push(
    keepLink({
      address: `127.0.0.1:${server.port}`,
      serverName: 'controller',
      credentials: () => credentials.createSsl(Buffer.from(trusted.join('\n'))),
      token: () => 'good',
      inventory: () => ({ node, version: version(), topology: { k: node }, ready: true, pools: [] }),
      answer: async (method, request) => Buffer.from(`${method} ${request}`),
      log,
      ...changes,
    }),
  );
}
async function connected(name = 'n1'): Promise<FleetNode> {
  const find = () => hub.nodes().find((node) => node.name === name);
  await until(`${name} is connected`, () => find() !== undefined);
  return find()!;
}
const options = { timeoutMs: 5_000, requestId: 'r' };

describe('a node', () => {
  it('is known with what it tells, and answers', async () => {
    join();
    const node = await connected();
    expect(node).toMatchObject({ name: 'n1', version: '1', topology: { k: 'n1' }, ready: true, pools: [] });
    expect(String(await node.call('a/B', Buffer.from('x'), options))).toBe('a/B x');
  });

  it('tells what has changed, without being asked', async () => {
    let version = '1';
    join({ version: () => version });
    const node = await connected();
    version = '2';
    await until('the change is known', () => node.version === '2');
  });

  it('answers with an error as it is, also one that this catalogue does not know', async () => {
    join({
      answer: async () => {
        throw new RelayedError({ code: 'NEW_CODE', status: 'RESOURCE_EXHAUSTED', message: 'it is new' });
      },
    });
    const node = await connected();
    const error = await node.call('a/B', Buffer.alloc(0), options).catch((thrown: BerthError) => thrown);
    expect(error).toBeInstanceOf(BerthError);
    expect(error).toMatchObject({ code: 'NEW_CODE', status: 'RESOURCE_EXHAUSTED', message: 'it is new' });
    expect((error as BerthError).remedy).not.toBe('');
  });

  it('that does not answer in time is given up, and the link stays', async () => {
    let isFirst = true;
    join({
      answer: (method) => {
        if (!isFirst) return Promise.resolve(Buffer.from(method));
        isFirst = false;
        return new Promise(() => {});
      },
    });
    const node = await connected();
    await expect(node.call('a/B', Buffer.alloc(0), { ...options, timeoutMs: 50 })).rejects.toMatchObject({
      code: 'CALL_DEADLINE',
    });
    expect(String(await node.call('a/C', Buffer.alloc(0), options))).toBe('a/C');
  });

  it('that goes away ends its calls, is no longer listed, and comes back by itself', async () => {
    let streams = 0;
    join({
      token: () => {
        streams++;
        return 'good';
      },
      answer: () => new Promise(() => {}),
    });
    const call = (await connected()).call('a/B', Buffer.alloc(0), options);
    hub.close();
    await expect(call).rejects.toMatchObject({ code: 'NODE_LINK_LOST', status: 'ABORTED' });
    await until('it is back', () => streams === 2 && hub.nodes().length === 1);
  });

  it('connects anew in the place of its older stream', async () => {
    join({ answer: () => new Promise(() => {}) });
    const call = (await connected()).call('a/B', Buffer.alloc(0), options);
    join({ version: () => 'newer' });
    await expect(call).rejects.toMatchObject({ code: 'NODE_LINK_LOST' });
    await until('the newer one is there', () => hub.nodes().some(({ version }) => version === 'newer'));
    expect(hub.nodes()).toHaveLength(1);
  });

  it('proves itself again when its token ends', async () => {
    tokens.set('short', { node: 'n1', expiresAt: Date.now() + 300 });
    const used = ['short', 'good'];
    join({ token: () => used.shift() ?? 'good' });
    await until('the second token was used', () => used.length === 0);
    await connected();
    expect(lines).toContainEqual(
      expect.objectContaining({ fields: expect.objectContaining({ reason: 'its token has expired' }) }),
    );
  });
});

describe('what is no node', () => {
  it.each([
    ['a forged token', { token: () => 'forged' }, 'the token is not valid'],
    ['the token of another node', { node: 'n2' }, 'the token is of node n1'],
    ['a controller that does not have the name', { serverName: 'other' }, /altname|host|cert/i],
    ['a CA that is not the controller’s', { credentials: () => credentials.createSsl() }, /certificate|self-signed/i],
    [
      'a token file that is not there yet',
      {
        token: () => {
          throw new Error('ENOENT: no such file');
        },
      },
      'ENOENT',
    ],
  ])('%s is refused, and both sides say so', async (_, changes: Partial<LinkOptions> & { node?: string }, told) => {
    join(changes);
    const isTold = ({ fields }: Line): boolean =>
      typeof told === 'string' ? (fields.problem ?? '').includes(told) : told.test(fields.problem ?? '');
    await until('it is told', () => lines.some((line) => line.message.includes('is down') && isTold(line)));
    expect(hub.nodes()).toEqual([]);
    if (typeof told === 'string' && told.startsWith('the token')) {
      expect(lines.some((line) => line.message === 'a node was refused' && isTold(line))).toBe(true);
    }
  });

  it('is told once, however often it is tried', async () => {
    let attempts = 0;
    join({
      token: () => {
        attempts++;
        return 'forged';
      },
    });
    await until('it was tried again', () => attempts >= 3);
    expect(lines.filter(({ message }) => message.includes('is down'))).toHaveLength(1);
  });
});

it('a renewed certificate serves those that connect later, and cuts nobody off', async () => {
  join();
  const node = await connected();
  const authority = await renewAuthority(undefined, Date.now());
  await server.renew(await issueServer(authority.issuer, ['controller'], Date.now()));
  expect(String(await node.call('a/B', Buffer.from('x'), options))).toBe('a/B x');
  tokens.set('second', { node: 'n2', expiresAt: Infinity });
  trusted = authority.trusted;
  join({ node: 'n2', token: () => 'second' });
  await connected('n2');
});
