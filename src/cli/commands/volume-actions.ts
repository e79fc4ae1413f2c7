import { resolve } from 'node:path';
import { BerthError } from '../../errors.ts';
import type { Volume } from '../../volumes/model.ts';
import type { SizeChange } from '../arguments.ts';
import type { Session } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { formatBytes } from '../output/format.ts';
import { checkJson, snapshotJson, volumeJson } from '../output/json.ts';
import { formatTable } from '../output/table.ts';
import { tell } from '../output/tell.ts';
import { findSnapshot, findVolume } from '../resolve.ts';
import { untilDone } from '../wait.ts';
import { print, printJson, snapshotTable, usageColumns, volumeFields, volumeTable } from './volume-views.ts';

export async function list(session: Session, { snapshots }: { snapshots?: true }): Promise<void> {
  if (snapshots) {
    const items = await session.client.listSnapshots();
    return session.json ? printJson(session, items.map(snapshotJson)) : print(session, snapshotTable(session, items));
  }
  const items = await session.client.listVolumes();
  return session.json ? printJson(session, items.map(volumeJson)) : print(session, volumeTable(session, items));
}

export async function show(session: Session, name: string): Promise<void> {
  const volume = await findVolume(session.client, name);
  if (session.json) return printJson(session, volumeJson(volume));
  print(session, volumeFields(volume, session.terminal.now()));
}

export async function remove(session: Session, name: string, options: { snapshot?: true; yes?: true }): Promise<void> {
  const { client, terminal } = session;
  const yes = options.yes ?? false;
  if (options.snapshot) {
    const found = await findSnapshot(client, name);
    await confirm(terminal, `deleting snapshot ${found.name}`, `Delete snapshot ${found.name}?`, yes);
    await client.deleteSnapshot(found.id);
    return tell(session, snapshotJson(found), `snapshot ${found.name} is deleted`);
  }
  const found = await findVolume(client, name);
  const what = `volume ${found.name} of ${formatBytes(found.sizeBytes)} in pool ${found.poolName}`;
  await confirm(terminal, `deleting ${what}`, `Delete ${what} and all its data?`, yes);
  await untilDone(session, () => client.deleteVolume(found.id));
  tell(session, volumeJson(found), `volume ${found.name} is deleted`);
}

export async function expand(session: Session, name: string, change: SizeChange): Promise<void> {
  const before = await findVolume(session.client, name);
  const sizeBytes = change.relative ? before.sizeBytes + change.bytes : change.bytes;
  const after = await untilDone(session, () => session.client.expandVolume(before.id, sizeBytes));
  const verb = after.sizeBytes > before.sizeBytes ? 'now has' : 'keeps its';
  tell(session, volumeJson(after), `volume ${after.name} ${verb} ${formatBytes(after.sizeBytes)}`);
}

export async function snapshot(session: Session, name: string, snapshotName: string): Promise<void> {
  const source = await findVolume(session.client, name);
  const taken = await untilDone(session, () => session.client.createSnapshot(source.id, snapshotName));
  tell(session, snapshotJson(taken), `snapshot ${taken.name} of volume ${source.name} is taken`);
}

export async function mount(
  session: Session,
  name: string,
  path: string,
  options: { readOnly?: true; options?: string[] },
): Promise<void> {
  const { id } = await findVolume(session.client, name);
  const at = { path: resolve(path), readOnly: options.readOnly ?? false, mountOptions: options.options ?? [] };
  const volume = await untilDone(session, () => session.client.mountVolume({ id, ...at }));
  tell(session, volumeJson(volume), `volume ${volume.name} is mounted at ${at.path}`);
}

export async function unmount(session: Session, name: string, path: string | undefined): Promise<void> {
  const at = resolve(path ?? name);
  const { id } = path === undefined ? await mountedAt(session, at) : await findVolume(session.client, name);
  const volume = await session.client.unmountVolume(id, at);
  tell(session, volumeJson(volume), `volume ${volume.name} is no longer mounted at ${at}`);
}

async function mountedAt({ client }: Session, path: string): Promise<Volume> {
  const volumes = await client.listVolumes();
  const found = volumes.find(({ mounts }) => mounts.some((one) => one.path === path));
  if (found === undefined) throw new BerthError('MOUNT_NOT_FOUND', { path });
  return found;
}

export async function stats(session: Session, names: string[]): Promise<void> {
  const { client, terminal, json } = session;
  const checks = [];
  for (const name of names) {
    const { id } = await findVolume(client, name);
    checks.push(await client.checkVolume(id));
  }
  if (json) return printJson(session, checks.map(checkJson));
  print(session, formatTable(usageColumns, checks, terminal.style));
}
