import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseControllerConfig } from '../../src/config/index.ts';
import { type Authority, renewAuthority } from '../../src/controller/authority.ts';
import { startController } from '../../src/controller/controller.ts';
import type { Cluster } from '../../src/controller/kubernetes.ts';
import { BerthError } from '../../src/errors.ts';

/** A cluster's API in memory: the CA, the tokens that it gave out, and the nodes whose taint was taken away. */
export interface FakeCluster extends Cluster {
  /** Makes a token of a node, and a file with it. */
  issueToken(node: string): string;
  readonly untainted: Set<string>;
  /** PEM file of the CA. */
  readonly caFile: string;
}

export async function createFakeCluster(dir: string): Promise<FakeCluster> {
  mkdirSync(dir, { recursive: true });
  const authority: Authority = await renewAuthority(undefined, Date.now());
  const caFile = join(dir, 'ca.crt');
  writeFileSync(caFile, authority.trusted.join('\n'));
  const tokens = new Map<string, string>();
  const untainted = new Set<string>();
  return {
    untainted,
    caFile,
    issueToken(node) {
      const token = `token-${tokens.size}-of-${node}`;
      tokens.set(token, node);
      const file = join(dir, `token-${node}`);
      writeFileSync(file, token);
      return file;
    },
    authority: async () => authority,
    async authenticate(token) {
      const node = tokens.get(token);
      if (node === undefined) throw new BerthError('FLEET_DENIED', { node: '?', problem: 'the token is not valid' });
      return { node, expiresAt: Infinity };
    },
    async removeTaint(node) {
      untainted.add(node);
    },
  };
}

/** The real controller in this process, before a cluster in memory. Its CSI socket is `socket`. */
export async function startTestController(dir: string, cluster: Cluster) {
  const socket = join(dir, 'controller.sock');
  const config = parseControllerConfig(
    JSON.stringify({
      csi: { endpoint: `unix://${socket}` },
      http: { listen: '127.0.0.1:0' },
      fleet: { listen: '127.0.0.1:0', names: ['localhost'] },
      log: { level: 'silent' },
    }),
    'test',
  );
  const controller = await startController(config, cluster, { settleMs: 0 });
  return { ...controller, socket, address: `localhost:${controller.fleetPort}` };
}
