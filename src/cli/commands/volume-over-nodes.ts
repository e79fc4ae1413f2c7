import type { Cluster } from '../../cluster/index.ts';
import { BerthError } from '../../errors.ts';
import type { Snapshot, Volume } from '../../volumes/model.ts';
import type { ClusterSession, OverNodes, Session } from '../cli.ts';
import { clusterVolumeJson } from '../output/cluster-json.ts';
import { formatJson, snapshotJson } from '../output/json.ts';
import { isFullId, type Kind, pick, snapshots, volumes } from '../resolve.ts';
import { clusterVolumeTable } from './cluster-views.ts';
import { listOverNodes, reportSilent, reportUnread } from './over-nodes.ts';
import { snapshotColumns } from './volume-views.ts';

export async function volumesOverNodes(session: ClusterSession, options: { snapshots?: true }): Promise<void> {
  if (options.snapshots) return snapshotsOverNodes(session);
  const { cluster, terminal, json } = session;
  const { listVolumes } = await import('../../cluster/index.ts');
  const found = await listVolumes(cluster);
  terminal.out(json ? formatJson(found.volumes.map(clusterVolumeJson)) : clusterVolumeTable(terminal, found.volumes));
  reportUnread(session, found.unread);
  reportSilent(session, found.answers);
}

const snapshotsOverNodes = listOverNodes<Snapshot>({
  ask: (client) => client.listSnapshots(),
  toJson: snapshotJson,
  columns: snapshotColumns,
  none: 'no snapshots',
});

/** Does a command on the node of the volume, or with --snapshot the snapshot, that its first argument names. */
export const onItsNode =
  <Rest extends unknown[]>(
    run: (session: Session, name: string, ...rest: Rest) => Promise<void>,
  ): OverNodes<[string, ...Rest]> =>
  async (session, name, ...rest) => {
    const { cluster, terminal, json } = session;
    const ofSnapshot = (rest.at(-1) as { snapshot?: true } | undefined)?.snapshot === true;
    const { node, id } = await (ofSnapshot ? locateSnapshot(session, name) : locateVolume(session, name));
    await cluster.ask(node, (client) => run({ client, terminal, json }, id, ...rest));
  };

interface Located {
  node: string;
  id: string;
}

/** By the PersistentVolume's name or handle or its claim (`namespace/name`), else as the nodes know it. */
async function locateVolume(session: ClusterSession, name: string): Promise<Located> {
  const { findPersistentVolume } = await import('../../cluster/index.ts');
  const found = await findPersistentVolume(session.cluster, name);
  return found ?? locate(session, name, volumes, (client) => client.listVolumes());
}

const locateSnapshot = (session: ClusterSession, name: string): Promise<Located> =>
  locate(session, name, snapshots, (client) => client.listSnapshots());

type Client = Parameters<Parameters<Cluster['ask']>[1]>[0];

async function locate<T extends Volume | Snapshot>(
  session: ClusterSession,
  name: string,
  kind: Kind<T>,
  list: (client: Client) => Promise<T[]>,
): Promise<Located> {
  const { cluster } = session;
  const answers = await cluster.askAll(list);
  reportSilent(session, answers);
  const items = answers.flatMap((answer) =>
    'error' in answer ? [] : answer.value.map((item) => ({ node: answer.node, item })),
  );
  const { node, item } = pick(items, name, { ...kind, names: (one) => kind.names(one.item) });
  // A node that is silent may have another of that name.
  if (!isFullId(name) && answers.some((answer) => 'error' in answer)) {
    throw new BerthError('NODE_REQUIRED', { command: `a command on ${name}, while not all nodes answer,` });
  }
  return { node, id: item.id };
}
