import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { type Authority, isStale, issueServer, type KeyPair, renewAuthority } from '../../src/controller/authority.ts';

const DAY_MS = 86_400_000;
const START = Date.parse('2026-01-01T00:00:00Z');

/** Whether a client that trusts `trusted` takes the server for `name`. */
async function accepts(server: KeyPair, trusted: readonly string[], name: string): Promise<string> {
  const listener = createServer({ cert: server.cert, key: server.key }, (socket) => socket.end());
  listener.on('tlsClientError', () => {});
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', servername: name, ca: [...trusted] });
  try {
    return await new Promise((resolve) => {
      socket.on('secureConnect', () => resolve('accepted'));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
  } finally {
    socket.destroy();
    listener.close();
  }
}

describe('a controller’s certificate', () => {
  it('is taken by those who trust the CA, for its names alone', async () => {
    const now = Date.now();
    const { issuer, trusted } = await renewAuthority(undefined, now);
    const stranger = await renewAuthority(undefined, now);
    const server = await issueServer(issuer, ['berth-controller.ns.svc', 'other'], now);
    expect(await accepts(server, trusted, 'berth-controller.ns.svc')).toBe('accepted');
    expect(await accepts(server, trusted, 'other')).toBe('accepted');
    expect(await accepts(server, trusted, 'else')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await accepts(server, stranger.trusted, 'other')).toMatch(/SIGNATURE|ISSUER|SELF_SIGNED/);
  });

  it('is replaced before it ends, and when another CA signs', async () => {
    const { issuer } = await renewAuthority(undefined, START);
    const server = await issueServer(issuer, ['a'], START);
    expect(isStale(server, issuer, START)).toBe(false);
    expect(isStale(server, issuer, START + 19 * DAY_MS)).toBe(false);
    expect(isStale(server, issuer, START + 21 * DAY_MS)).toBe(true);
    const { issuer: other } = await renewAuthority(undefined, START);
    expect(isStale(server, other, START)).toBe(true);
  });
});

describe('the CA', () => {
  it('stays as it is for most of its life', async () => {
    const made = await renewAuthority(undefined, START);
    expect(await renewAuthority(made, START + 500 * DAY_MS)).toBe(made);
  });

  it('gets a successor that is trusted for a week before it signs', async () => {
    const made = await renewAuthority(undefined, START);
    const late = START + 560 * DAY_MS;
    const introduced = await renewAuthority(made, late);
    expect(introduced.issuer).toBe(made.issuer);
    expect(introduced.trusted).toEqual([made.issuer.cert, introduced.next!.cert]);
    expect(await renewAuthority(introduced, late + 6 * DAY_MS)).toBe(introduced);
    const promoted: Authority = await renewAuthority(introduced, late + 8 * DAY_MS);
    expect(promoted).toEqual({ issuer: introduced.next, trusted: introduced.trusted });
    const afterwards = await renewAuthority({ ...promoted, next: promoted.issuer }, START + 740 * DAY_MS);
    expect(afterwards.trusted).toEqual([promoted.issuer.cert]);
  });

  it('that has ended is made anew', async () => {
    const made = await renewAuthority(undefined, START);
    const anew = await renewAuthority(made, START + 731 * DAY_MS);
    expect(anew.trusted).toEqual([anew.issuer.cert]);
    expect(anew.issuer).not.toEqual(made.issuer);
  });
});
