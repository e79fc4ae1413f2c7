import {
  CoreV1Api,
  CustomObjectsApi,
  createConfiguration,
  Exec,
  KubeConfig,
  ServerConfiguration,
  StorageV1Api,
} from '@kubernetes/client-node';
import { BerthError } from '../errors.ts';

export interface ApiOptions {
  /** A file; else KUBECONFIG, ~/.kube/config, or the pod's own account. */
  kubeconfig?: string | undefined;
  context?: string | undefined;
  /** Of one request. */
  timeoutMs: number;
}

/** The parts of the cluster's API that the command line uses, with the rights of whoever runs it. */
export interface Api {
  core: CoreV1Api;
  storage: StorageV1Api;
  objects: CustomObjectsApi;
  exec: Exec;
  /** The namespace of the context. */
  namespace: string;
}

/** What the library makes up when it finds no cluster. */
const NOWHERE = 'http://localhost:8080';

/** Asks nothing of the cluster yet. Throws KUBE_CONFIG_UNUSABLE. */
export function connectApi({ kubeconfig, context, timeoutMs }: ApiOptions): Api {
  const config = loadConfig(kubeconfig, context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw unusable(`context ${config.getCurrentContext() || '(none)'} names no cluster`);
  if (cluster.server === NOWHERE)
    throw unusable('there is none: neither KUBECONFIG nor ~/.kube/config names a cluster');
  const settings = createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        async pre(context) {
          context.setSignal(AbortSignal.timeout(timeoutMs));
          return context;
        },
        post: async (response) => response,
      },
    ],
  });
  return {
    core: new CoreV1Api(settings),
    storage: new StorageV1Api(settings),
    objects: new CustomObjectsApi(settings),
    exec: new Exec(withHandshakeLimit(config, timeoutMs)),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
  };
}

function loadConfig(kubeconfig: string | undefined, context: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    throw unusable((error as Error).message, error);
  }
  if (context === undefined) return config;
  if (config.getContextObject(context) === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw unusable(`it has no context ${context}; it has ${known.join(', ') || 'none'}`);
  }
  config.setCurrentContext(context);
  return config;
}

/** An API server that takes a connection and stays silent would otherwise keep an exec, and the process, for ever. */
function withHandshakeLimit(config: KubeConfig, timeoutMs: number): KubeConfig {
  const limited = Object.create(config) as KubeConfig;
  limited.applyToHTTPSOptions = async (options) => {
    await config.applyToHTTPSOptions(options);
    Object.assign(options, { handshakeTimeout: timeoutMs });
  };
  return limited;
}

const unusable = (problem: string, cause?: unknown): BerthError =>
  new BerthError('KUBE_CONFIG_UNUSABLE', { problem }, { cause });
