import { BerthError } from '../../errors.ts';
import type { Snapshot, Volume } from '../../volumes/model.ts';
import type { Session } from '../cli.ts';
import { formatBytes } from '../output/format.ts';
import { volumeJson } from '../output/json.ts';
import { tell } from '../output/tell.ts';
import { findSnapshot, findVolume } from '../resolve.ts';
import { untilDone } from '../wait.ts';

interface CreateOptions {
  size: bigint;
  class?: string;
  fs?: string;
  block?: true;
  thin?: true;
  nodatacow?: true;
}

export async function create(session: Session, name: string, options: CreateOptions): Promise<void> {
  const request = {
    name,
    size_bytes: String(options.size),
    pool_class: options.class ?? '',
    block: options.block ?? false,
    fs_type: options.fs ?? '',
    thin: options.thin ?? false,
    nodatacow: options.nodatacow ?? false,
    source: null,
  };
  const volume = await untilDone(session, () => session.client.createVolume(request));
  tell(
    session,
    volumeJson(volume),
    `volume ${volume.name} of ${formatBytes(volume.sizeBytes)} is in pool ${volume.poolName}`,
  );
}

interface CloneOptions {
  size?: bigint;
  fs?: string;
  block?: true;
}

export async function clone(session: Session, from: string, name: string, options: CloneOptions): Promise<void> {
  const { client } = session;
  const { kind, item, origin } = await findSource(session, from);
  const pool = (await client.listPools()).find(({ id }) => id === item.id.split('.')[0]);
  const block = origin === undefined ? (options.block ?? false) : origin.content === 'block';
  const request = {
    name,
    size_bytes: String(options.size ?? item.sizeBytes),
    pool_class: pool?.class ?? '',
    block,
    fs_type: block ? '' : (origin?.content ?? options.fs ?? ''),
    thin: origin?.parameters.thin ?? false,
    nodatacow: origin?.parameters.nodatacow ?? false,
    source: { kind, id: item.id },
  };
  const volume = await untilDone(session, () => client.createVolume(request));
  tell(
    session,
    volumeJson(volume),
    `volume ${volume.name} of ${formatBytes(volume.sizeBytes)} has the content of ${item.name}`,
  );
}

/** A volume or a snapshot; `origin` is the volume that tells what the content is, when it exists still. */
async function findSource(
  { client }: Session,
  name: string,
): Promise<{ kind: 'volume' | 'snapshot'; item: Volume | Snapshot; origin?: Volume | undefined }> {
  const volume = await orAbsent(findVolume(client, name), 'VOLUME_NOT_FOUND');
  const snapshot = await orAbsent(findSnapshot(client, name), 'SNAPSHOT_NOT_FOUND');
  if (volume !== undefined && snapshot !== undefined) {
    const matches = `volume ${volume.id}, snapshot ${snapshot.id}`;
    throw new BerthError('NAME_AMBIGUOUS', { name, matches });
  }
  if (volume !== undefined) return { kind: 'volume', item: volume, origin: volume };
  if (snapshot === undefined) throw new BerthError('SOURCE_NOT_FOUND', { name });
  const origin = await orAbsent(client.getVolume(snapshot.sourceVolumeId), 'VOLUME_NOT_FOUND');
  return { kind: 'snapshot', item: snapshot, origin };
}

const orAbsent = <T>(found: Promise<T>, code: string): Promise<T | undefined> =>
  found.catch((error: { code?: unknown }) => {
    if (error.code === code) return undefined;
    throw error;
  });
