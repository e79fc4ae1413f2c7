import { resolve } from 'node:path';
import type { Command } from 'commander';
import { BerthError } from '../../errors.ts';
import type { Snapshot, Volume } from '../../volumes/model.ts';
import { listArgument, type SizeChange, sizeArgument, sizeChangeArgument, textArgument } from '../arguments.ts';
import { type Cli, type Session, withDaemon } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { formatBytes } from '../output/format.ts';
import { checkJson, formatJson, snapshotJson, volumeJson } from '../output/json.ts';
import { formatTable } from '../output/table.ts';
import { findSnapshot, findVolume } from '../resolve.ts';
import { untilDone } from '../wait.ts';
import { addGroup, examples } from './help.ts';
import { snapshotTable, usageColumns, volumeFields, volumeTable } from './volume-views.ts';

export function addVolumeCommands(program: Command, cli: Cli): void {
  const volume = addGroup(
    program,
    'volume',
    'Create, mount, snapshot, clone, grow and delete volumes.',
    'berth volume list',
    'berth volume create data --size 10Gi',
  );

  volume
    .command('list')
    .description('List volumes, or snapshots.')
    .option('--snapshots', 'list snapshots instead')
    .addHelpText('after', examples('berth volume list', 'berth volume list --snapshots --json'))
    .action(withDaemon(cli, list));

  volume
    .command('show')
    .description('Show one volume with its mounts.')
    .argument('<volume>', 'name, id, or a unique beginning of either')
    .addHelpText('after', examples('berth volume show data'))
    .action(withDaemon(cli, show));

  volume
    .command('create')
    .description('Create a volume. One that exists just so is shown instead.')
    .argument('<name>', 'name of the new volume', textArgument)
    .requiredOption('--size <size>', 'such as 10Gi', sizeArgument)
    .option('--class <class>', 'pool class; needed when the node has several', textArgument)
    .option('--fs <type>', 'ext4, xfs or btrfs; the pool decides when absent', textArgument)
    .option('--block', 'a raw block device without a file system')
    .option('--thin', 'take space as data comes, instead of all at once')
    .option('--nodatacow', 'btrfs: write in place, without checksums')
    .addHelpText(
      'after',
      examples('berth volume create data --size 10Gi', 'berth volume create raw --size 1Ti --class files --block'),
    )
    .action(withDaemon(cli, create));

  volume
    .command('delete')
    .description('Delete a volume or a snapshot with all its data.')
    .argument('<volume>', 'name, id, or a unique beginning of either')
    .option('--snapshot', 'the name is that of a snapshot')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('berth volume delete data', 'berth volume delete --snapshot before-upgrade --yes'))
    .action(withDaemon(cli, remove));

  volume
    .command('expand')
    .description('Make a volume larger, also while it is used.')
    .argument('<volume>', 'name, id, or a unique beginning of either')
    .argument('<size>', 'the new size, or + and what to add', sizeChangeArgument)
    .addHelpText('after', examples('berth volume expand data 20Gi', 'berth volume expand data +5Gi'))
    .action(withDaemon(cli, expand));

  volume
    .command('snapshot')
    .description('Take a snapshot of a volume.')
    .argument('<volume>', 'name, id, or a unique beginning of either')
    .argument('<name>', 'name of the new snapshot', textArgument)
    .addHelpText('after', examples('berth volume snapshot data before-upgrade'))
    .action(withDaemon(cli, snapshot));

  volume
    .command('clone')
    .description('Create a volume with the content of another, or of a snapshot.')
    .argument('<source>', 'a volume or a snapshot: name, id, or a unique beginning of either')
    .argument('<name>', 'name of the new volume', textArgument)
    .option('--size <size>', 'larger than the source; its size when absent', sizeArgument)
    .option('--fs <type>', 'of a snapshot whose volume is gone: its file system', textArgument)
    .option('--block', 'of a snapshot whose volume is gone: it has no file system')
    .addHelpText('after', examples('berth volume clone data copy', 'berth volume clone before-upgrade old --size 20Gi'))
    .action(withDaemon(cli, clone));

  volume
    .command('mount')
    .description('Mount a volume at a path of this machine.')
    .argument('<volume>', 'name, id, or a unique beginning of either')
    .argument('<path>', 'where; it is made when it does not exist', textArgument)
    .option('--read-only', 'do not allow writes')
    .option('-o, --options <list>', 'mount options, separated by commas', listArgument)
    .addHelpText('after', examples('berth volume mount data /mnt/data', 'berth volume mount data /mnt/ro --read-only'))
    .action(withDaemon(cli, mount));

  volume
    .command('unmount')
    .description('Unmount a volume that was mounted with `berth volume mount`.')
    .argument('<volume>', 'the volume; may be left out when the path is given', textArgument)
    .argument('[path]', 'where it is mounted', textArgument)
    .addHelpText('after', examples('berth volume unmount data /mnt/data', 'berth volume unmount /mnt/data'))
    .action(withDaemon(cli, unmount));

  volume
    .command('stats')
    .description('Show how full volumes are, and what is wrong with them.')
    .argument('<volume...>', 'names, ids, or unique beginnings of either')
    .addHelpText('after', examples('berth volume stats data', 'berth volume stats data logs --json'))
    .action(withDaemon(cli, stats));
}

async function list(session: Session, { snapshots }: { snapshots?: true }): Promise<void> {
  if (snapshots) {
    const items = await session.client.listSnapshots();
    return session.json ? printJson(session, items.map(snapshotJson)) : print(session, snapshotTable(session, items));
  }
  const items = await session.client.listVolumes();
  return session.json ? printJson(session, items.map(volumeJson)) : print(session, volumeTable(session, items));
}

async function show(session: Session, name: string): Promise<void> {
  const volume = await findVolume(session.client, name);
  if (session.json) return printJson(session, volumeJson(volume));
  print(session, volumeFields(volume, session.terminal.now()));
}

interface CreateOptions {
  size: bigint;
  class?: string;
  fs?: string;
  block?: true;
  thin?: true;
  nodatacow?: true;
}

async function create(session: Session, name: string, options: CreateOptions): Promise<void> {
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
  announce(session, volume, `volume ${volume.name} of ${formatBytes(volume.sizeBytes)} is in pool ${volume.poolName}`);
}

async function remove(session: Session, name: string, options: { snapshot?: true; yes?: true }): Promise<void> {
  const { client, terminal, json } = session;
  const yes = options.yes ?? false;
  if (options.snapshot) {
    const found = await findSnapshot(client, name);
    await confirm(terminal, `deleting snapshot ${found.name}`, `Delete snapshot ${found.name}?`, yes);
    await client.deleteSnapshot(found.id);
    return json ? printJson(session, snapshotJson(found)) : print(session, `snapshot ${found.name} is deleted\n`);
  }
  const found = await findVolume(client, name);
  const what = `volume ${found.name} of ${formatBytes(found.sizeBytes)} in pool ${found.poolName}`;
  await confirm(terminal, `deleting ${what}`, `Delete ${what} and all its data?`, yes);
  await untilDone(session, () => client.deleteVolume(found.id));
  return json ? printJson(session, volumeJson(found)) : print(session, `volume ${found.name} is deleted\n`);
}

async function expand(session: Session, name: string, change: SizeChange): Promise<void> {
  const before = await findVolume(session.client, name);
  const sizeBytes = change.relative ? before.sizeBytes + change.bytes : change.bytes;
  const after = await untilDone(session, () => session.client.expandVolume(before.id, sizeBytes));
  const verb = after.sizeBytes > before.sizeBytes ? 'now has' : 'keeps its';
  announce(session, after, `volume ${after.name} ${verb} ${formatBytes(after.sizeBytes)}`);
}

async function snapshot(session: Session, name: string, snapshotName: string): Promise<void> {
  const source = await findVolume(session.client, name);
  const taken = await untilDone(session, () => session.client.createSnapshot(source.id, snapshotName));
  if (session.json) return printJson(session, snapshotJson(taken));
  print(session, `snapshot ${taken.name} of volume ${source.name} is taken\n`);
}

interface CloneOptions {
  size?: bigint;
  fs?: string;
  block?: true;
}

async function clone(session: Session, from: string, name: string, options: CloneOptions): Promise<void> {
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
  announce(
    session,
    volume,
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

async function mount(
  session: Session,
  name: string,
  path: string,
  options: { readOnly?: true; options?: string[] },
): Promise<void> {
  const { id } = await findVolume(session.client, name);
  const at = { path: resolve(path), readOnly: options.readOnly ?? false, mountOptions: options.options ?? [] };
  const volume = await untilDone(session, () => session.client.mountVolume({ id, ...at }));
  announce(session, volume, `volume ${volume.name} is mounted at ${at.path}`);
}

async function unmount(session: Session, name: string, path: string | undefined): Promise<void> {
  const at = resolve(path ?? name);
  const { id } = path === undefined ? await mountedAt(session, at) : await findVolume(session.client, name);
  const volume = await session.client.unmountVolume(id, at);
  announce(session, volume, `volume ${volume.name} is no longer mounted at ${at}`);
}

async function mountedAt({ client }: Session, path: string): Promise<Volume> {
  const volumes = await client.listVolumes();
  const found = volumes.find(({ mounts }) => mounts.some((one) => one.path === path));
  if (found === undefined) throw new BerthError('MOUNT_NOT_FOUND', { path });
  return found;
}

async function stats(session: Session, names: string[]): Promise<void> {
  const { client, terminal, json } = session;
  const checks = [];
  for (const name of names) {
    const { id } = await findVolume(client, name);
    checks.push(await client.checkVolume(id));
  }
  if (json) return printJson(session, checks.map(checkJson));
  print(session, formatTable(usageColumns, checks, terminal.style));
}

const print = ({ terminal }: Session, text: string): void => terminal.out(text);
const printJson = ({ terminal }: Session, value: unknown): void => terminal.out(formatJson(value));

/** The volume that a command leaves: as JSON, or in a sentence. */
function announce(session: Session, volume: Volume, sentence: string): void {
  if (session.json) printJson(session, volumeJson(volume));
  else print(session, `${sentence}\n`);
}
