import { type Api, type ApiOptions, connectApi } from './api.ts';
import { type Asker, createAsker } from './ask.ts';
import { findInstallation, type Installation } from './daemons.ts';

export type { Answer, Problem } from './ask.ts';
export { type Explanation, explainClaim } from './explain/explain.ts';
export { gatherFacts } from './explain/gather.ts';
export { type ClusterNode, type ClusterNodes, listNodes } from './nodes.ts';
export { type ClusterVolume, type ClusterVolumes, findPersistentVolume, listVolumes } from './volumes.ts';

export interface ClusterOptions extends ApiOptions {
  /** The namespace that Berth is in; found when absent. */
  berthNamespace?: string | undefined;
}

/** A cluster with Berth in it, as the command line sees it with the rights of whoever runs it. */
export interface Cluster extends Asker {
  api: Api;
  installation: Installation;
}

/** Rejects with KUBE_CONFIG_UNUSABLE, KUBE_NOT_INSTALLED, KUBE_SEVERAL_INSTALLED or KUBE_REQUEST_FAILED. */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const api = connectApi(options);
  const installation = await findInstallation(api, options.berthNamespace);
  return { api, installation, ...createAsker(api, installation, options.timeoutMs) };
}
