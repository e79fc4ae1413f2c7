import {
  AuthenticationV1Api,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1Secret,
} from '@kubernetes/client-node';
import { problemOf, statusOf } from '../cluster/request.ts';
import { STARTUP_TAINT } from '../cluster/startup-taint.ts';
import type { ControllerConfig } from '../config/index.ts';
import { BerthError } from '../errors.ts';
import type { Identity } from '../fleet/index.ts';
import { type Authority, renewAuthority } from './authority.ts';

/** What the controller does with the cluster's API, and all that it has rights for. */
export interface Cluster {
  /** The CA as it is in its Secret, made or renewed where that is due, and told to the nodes. */
  authority(now: number): Promise<Authority>;
  /** Whose token it is. Rejects with FLEET_DENIED. */
  authenticate(token: string): Promise<Identity>;
  /** Takes the start-up taint from a node. One that has none is fine. */
  removeTaint(nodeName: string): Promise<void>;
}

const NODE_NAME_KEY = 'authentication.kubernetes.io/node-name';
const ATTEMPTS = 5;

function findCluster(): KubeConfig {
  const kubeConfig = new KubeConfig();
  try {
    kubeConfig.loadFromDefault();
  } catch (error) {
    throw explain('find the API server (in a pod, or by KUBECONFIG)', error);
  }
  return kubeConfig;
}

/** Within a pod, the pod's own rights; else those of KUBECONFIG. */
export function connectCluster(config: ControllerConfig['kubernetes']): Cluster {
  const kubeConfig = findCluster();
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const authentication = kubeConfig.makeApiClient(AuthenticationV1Api);
  const { namespace, caSecret, caConfigMap } = config;

  const publish = async (trusted: readonly string[]): Promise<void> => {
    const data = { 'ca.crt': `${trusted.map((cert) => cert.trim()).join('\n')}\n` };
    const found = await orNothing(core.readNamespacedConfigMap({ name: caConfigMap, namespace }));
    if (found === undefined) {
      await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: caConfigMap }, data } });
    } else if (found.data?.['ca.crt'] !== data['ca.crt']) {
      await core.replaceNamespacedConfigMap({ name: caConfigMap, namespace, body: { ...found, data } });
    }
  };

  return {
    async authority(now) {
      for (let attempt = 1; ; attempt++) {
        try {
          const secret = await orNothing(core.readNamespacedSecret({ name: caSecret, namespace }));
          const found = secret && readAuthority(secret);
          const wanted = await renewAuthority(found, now);
          if (wanted !== found) {
            const body = { ...secret, metadata: { ...secret?.metadata, name: caSecret }, data: writeAuthority(wanted) };
            if (secret === undefined) await core.createNamespacedSecret({ namespace, body });
            else await core.replaceNamespacedSecret({ name: caSecret, namespace, body });
          }
          await publish(wanted.trusted);
          return wanted;
        } catch (error) {
          // Another replica was first: what it wrote is as good.
          if (statusOf(error) !== 409 || attempt === ATTEMPTS) throw explain('keep its CA', error);
        }
      }
    },

    async authenticate(token) {
      const denied = (problem: string) => new BerthError('FLEET_DENIED', { node: '?', problem });
      const { status } = await authentication
        .createTokenReview({ body: { spec: { token, audiences: [config.audience] } } })
        .catch((error: unknown) => {
          throw explain('review a token', error);
        });
      if (!status?.authenticated) throw denied(status?.error ?? 'the token is not valid');
      if (!status.audiences?.includes(config.audience)) throw denied(`the token is not for ${config.audience}`);
      const account = `system:serviceaccount:${namespace}:${config.nodeServiceAccount}`;
      if (status.user?.username !== account) throw denied(`${status.user?.username} is not ${account}`);
      const [node] = status.user?.extra?.[NODE_NAME_KEY] ?? [];
      if (node === undefined) throw denied('the token is bound to no node');
      return { node, expiresAt: expiryOf(token) };
    },

    async removeTaint(name) {
      try {
        const { spec, metadata } = await core.readNode({ name });
        const taints = spec?.taints ?? [];
        const kept = taints.filter(({ key }) => key !== STARTUP_TAINT);
        if (kept.length === taints.length) return;
        // The version makes the API server refuse when somebody else has changed the node since.
        const patch = { metadata: { resourceVersion: metadata?.resourceVersion }, spec: { taints: kept } };
        await core.patchNode({ name, body: patch }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
      } catch (error) {
        throw explain(`take the start-up taint from node ${name}`, error);
      }
    },
  };
}

/** Volumes of Berth that the cluster still has, as `PV (claim)`. */
export async function volumesInUse(driverName: string): Promise<string[]> {
  const { items } = await findCluster()
    .makeApiClient(CoreV1Api)
    .listPersistentVolume()
    .catch((error: unknown) => {
      throw explain('list the volumes', error);
    });
  return items
    .filter(({ spec }) => spec?.csi?.driver === driverName)
    .map(({ metadata, spec }) => {
      const { namespace, name } = spec?.claimRef ?? {};
      return `${metadata?.name}${name === undefined ? '' : ` (claim ${namespace}/${name})`}`;
    });
}

async function orNothing<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

function explain(action: string, error: unknown): BerthError {
  if (error instanceof BerthError) return error;
  return new BerthError('KUBERNETES_FAILED', { action, problem: problemOf(error) }, { cause: error });
}

const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();
const encode = (text: string): string => Buffer.from(text).toString('base64');
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function readAuthority({ data = {} }: V1Secret): Authority | undefined {
  if (!data['issuer.crt'] || !data['issuer.key']) return undefined;
  const next = data['next.crt'] && data['next.key'];
  return {
    issuer: { cert: decode(data['issuer.crt']), key: decode(data['issuer.key']) },
    ...(next ? { next: { cert: decode(data['next.crt']), key: decode(data['next.key']) } } : {}),
    trusted: decode(data['trusted.crt']).match(CERTIFICATE) ?? [],
  };
}

const writeAuthority = ({ issuer, next, trusted }: Authority): Record<string, string> => ({
  'issuer.crt': encode(issuer.cert),
  'issuer.key': encode(issuer.key),
  ...(next === undefined ? {} : { 'next.crt': encode(next.cert), 'next.key': encode(next.key) }),
  'trusted.crt': encode(trusted.join('\n')),
});

/** The token is proved to be the API server's by now; when it ends stands in it (RFC 7519 4.1.4). */
function expiryOf(token: string): number {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp?: number };
    return exp === undefined ? Infinity : exp * 1_000;
  } catch {
    return Infinity; // a token of another form ends with the next review
  }
}
