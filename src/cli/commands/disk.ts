import type { Command } from 'commander';
import type { DiskExplanation } from '../../admin/client.ts';
import type { DiskView } from '../../admin/wire/disks.ts';
import { BerthError } from '../../errors.ts';
import { textArgument } from '../arguments.ts';
import { type Cli, type Session, withDaemon } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { formatBytes, printable } from '../output/format.ts';
import { diskJson, explanationJson, formatJson, poolJson } from '../output/json.ts';
import { type Column, formatFields, formatTable } from '../output/table.ts';
import { tell } from '../output/tell.ts';
import type { Style } from '../output/terminal.ts';
import { findDisk } from '../resolve.ts';
import { untilDone } from '../wait.ts';
import { addGroup, examples } from './help.ts';
import { listOverNodes } from './over-nodes.ts';

export function addDiskCommands(program: Command, cli: Cli): void {
  const disk = addGroup(
    program,
    'disk',
    'See the disks of this node, and make pools of free ones.',
    'berth disk list',
    'berth disk explain /dev/sdb',
  );

  disk
    .command('list')
    .description('List every block device with what Berth thinks of it.')
    .addHelpText('after', examples('berth disk list', 'berth disk list --json', 'berth --kube disk list'))
    .action(withDaemon(cli, list, disksOverNodes));

  disk
    .command('explain')
    .description('Tell why a disk is ours, free, used or unknown.')
    .argument('<disk>', 'id, name in /dev/disk/by-id, path, or a unique beginning of its id')
    .addHelpText('after', examples('berth disk explain nvme-eui.0025385b71b0a1c2', 'berth disk explain /dev/sdb'))
    .action(withDaemon(cli, explain));

  disk
    .command('adopt')
    .description('Format a free disk and make a pool of it. What is on it is lost.')
    .argument('<disk>', 'id, name in /dev/disk/by-id, path, or a unique beginning of its id')
    .requiredOption('--pool <name>', 'name of the new pool', textArgument)
    .requiredOption('--class <class>', 'its class', textArgument)
    .requiredOption('--backend <backend>', 'btrfs or image', textArgument)
    .option('--digest <digest>', 'as `berth disk explain` showed it; needed with --yes', textArgument)
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      examples(
        'berth disk adopt nvme-eui.0025385b71b0a1c2 --pool nvme --class fast --backend btrfs',
        'berth disk adopt nvme-eui.0025385b71b0a1c2 --pool nvme --class fast --backend btrfs --digest 3f9a... --yes',
      ),
    )
    .action(withDaemon(cli, adopt));
}

async function list({ client, terminal, json }: Session): Promise<void> {
  const disks = await client.listDisks();
  if (json) return terminal.out(formatJson(disks.map(diskJson)));
  terminal.out(disks.length === 0 ? 'no disks\n' : formatTable(columns, disks, terminal.style));
}

async function explain({ client, terminal, json }: Session, name: string): Promise<void> {
  const found = await findDisk(client, name);
  terminal.out(json ? formatJson(explanationJson(found)) : explanationText(found));
}

interface AdoptOptions {
  pool: string;
  class: string;
  backend: string;
  digest?: string;
  yes?: true;
}

async function adopt(session: Session, name: string, options: AdoptOptions): Promise<void> {
  const { client, terminal } = session;
  const found = await findDisk(client, name);
  const { disk } = found;
  // What a script was shown is what it names; a person is shown it now.
  if (options.digest === undefined) {
    if (terminal.interactive && !options.yes) terminal.err(explanationText(found));
    else throw new BerthError('USAGE_INVALID', { problem: 'the option --digest is needed when nobody can be asked' });
  }
  const question = `Format ${disk.path} (${disk.id}, ${formatBytes(disk.sizeBytes)}) as pool ${options.pool}?`;
  await confirm(terminal, `formatting ${disk.path}`, question, options.yes ?? false);
  const request = {
    // The digest says which disk and what is on it; its id can come from what is on it.
    id: disk.path,
    digest: options.digest ?? disk.digest,
    pool: options.pool,
    class: options.class,
    backend: options.backend,
  };
  const pool = await untilDone(session, () => client.adoptDisk(request));
  tell(session, poolJson(pool), `pool ${pool.name} of ${formatBytes(pool.totalBytes)} is ${pool.state}`);
}

const verdictStyles: Record<DiskView['verdict'], Style | undefined> = {
  ours: 'bold',
  free: 'green',
  used: undefined,
  unknown: 'yellow',
};

const columns: Column<DiskView>[] = [
  { header: 'PATH', value: ({ path }) => path },
  { header: 'ID', value: ({ id }) => id },
  { header: 'SIZE', value: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
  { header: 'MODEL', value: ({ model }) => model ?? '' },
  { header: 'MEDIA', value: ({ media, transport }) => [media, transport].filter(Boolean).join('/') },
  { header: 'VERDICT', value: ({ verdict }) => verdict, style: ({ verdict }) => verdictStyles[verdict] },
  { header: 'REASON', value: mainReason },
];

const disksOverNodes = listOverNodes<DiskView>({
  ask: (client) => client.listDisks(),
  toJson: diskJson,
  columns: () => columns,
  none: 'no disks',
});

/** The first reason for the verdict, and how many more there are. */
function mainReason({ reasons, verdict }: DiskView): string {
  const deciding = reasons.filter(({ effect }) => effect === verdict);
  const [first, ...others] = deciding.length > 0 ? deciding : reasons;
  if (first === undefined) return '';
  return others.length === 0 ? first.message : `${first.message} (and ${others.length} more)`;
}

function explanationText({ explanation, facts }: DiskExplanation): string {
  const drive = formatFields([
    ['interface', facts.interface],
    ['firmware', facts.firmware],
    ['temperature', facts.temperatureCelsius === undefined ? undefined : `${facts.temperatureCelsius} °C`],
    ['health', facts.health],
  ]);
  const lines = explanation.split('\n').map(printable).join('\n');
  return drive === '' ? lines : `${lines}\nThe drive says:\n${drive.replace(/^/gm, '  ').trimEnd()}\n`;
}
