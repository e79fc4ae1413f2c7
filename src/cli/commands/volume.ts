import type { Command } from 'commander';
import { listArgument, sizeArgument, sizeChangeArgument, textArgument } from '../arguments.ts';
import { type Cli, withDaemon } from '../cli.ts';
import { addGroup, examples } from './help.ts';
import { expand, list, mount, remove, show, snapshot, stats, unmount } from './volume-actions.ts';
import { clone, create } from './volume-make.ts';
import { onItsNode, volumesOverNodes } from './volume-over-nodes.ts';

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
    .addHelpText(
      'after',
      examples('berth volume list', 'berth volume list --snapshots --json', 'berth --kube volume list'),
    )
    .action(withDaemon(cli, list, volumesOverNodes));

  volume
    .command('show')
    .description('Show one volume with its mounts.')
    .argument('<volume>', 'name, id, or a unique beginning of either')
    .addHelpText('after', examples('berth volume show data'))
    .action(withDaemon(cli, show, onItsNode(show)));

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
    .action(withDaemon(cli, remove, onItsNode(remove)));

  volume
    .command('expand')
    .description('Make a volume larger, also while it is used.')
    .argument('<volume>', 'name, id, or a unique beginning of either')
    .argument('<size>', 'the new size, or + and what to add', sizeChangeArgument)
    .addHelpText('after', examples('berth volume expand data 20Gi', 'berth volume expand data +5Gi'))
    .action(withDaemon(cli, expand, onItsNode(expand)));

  volume
    .command('snapshot')
    .description('Take a snapshot of a volume.')
    .argument('<volume>', 'name, id, or a unique beginning of either')
    .argument('<name>', 'name of the new snapshot', textArgument)
    .addHelpText('after', examples('berth volume snapshot data before-upgrade'))
    .action(withDaemon(cli, snapshot, onItsNode(snapshot)));

  volume
    .command('clone')
    .description('Create a volume with the content of another, or of a snapshot.')
    .argument('<source>', 'a volume or a snapshot: name, id, or a unique beginning of either')
    .argument('<name>', 'name of the new volume', textArgument)
    .option('--size <size>', 'larger than the source; its size when absent', sizeArgument)
    .option('--fs <type>', 'of a snapshot whose volume is gone: its file system', textArgument)
    .option('--block', 'of a snapshot whose volume is gone: it has no file system')
    .addHelpText('after', examples('berth volume clone data copy', 'berth volume clone before-upgrade old --size 20Gi'))
    .action(withDaemon(cli, clone, onItsNode(clone)));

  volume
    .command('mount')
    .description('Mount a volume at a path of this machine.')
    .argument('<volume>', 'name, id, or a unique beginning of either')
    .argument('<path>', 'where; it is made when it does not exist', textArgument)
    .option('--read-only', 'do not allow writes')
    .option('-o, --options <list>', 'mount options, separated by commas', listArgument)
    .addHelpText('after', examples('berth volume mount data /mnt/data', 'berth volume mount data /mnt/ro --read-only'))
    .action(withDaemon(cli, mount, onItsNode(mount)));

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
