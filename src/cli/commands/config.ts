import type { Command } from 'commander';
import type { Cli, Globals } from '../cli.ts';
import { formatJson } from '../output/json.ts';
import { addGroup, examples } from './help.ts';

export function addConfigCommands(program: Command, { terminal }: Cli): void {
  const config = addGroup(
    program,
    'config',
    'Check the config file, and print its schema.',
    'berth config check /etc/berth/config.yaml',
  );

  config
    .command('check')
    .description('Tell everything that is wrong with a config file. No daemon is needed.')
    .argument('<file>', 'YAML file')
    .addHelpText('after', examples('berth config check /etc/berth/config.yaml'))
    .action(async (file: string, _: object, command: Command) => {
      const { loadConfig } = await import('../../config/index.ts');
      const { pools } = loadConfig(file);
      const { json } = command.optsWithGlobals<Globals>();
      const names = pools.map(({ name }) => name);
      terminal.out(json ? formatJson({ file, valid: true, pools: names }) : `${file} is right, with ${count(names)}\n`);
    });

  config
    .command('schema')
    .description('Print the JSON Schema of the config file, for editors and other tools.')
    .addHelpText('after', examples('berth config schema > berth.schema.json'))
    .action(async () => {
      const { configJsonSchema } = await import('../../config/index.ts');
      terminal.out(formatJson(configJsonSchema()));
    });
}

const count = (pools: string[]): string =>
  pools.length === 0 ? 'no pools' : `${pools.length === 1 ? 'pool' : 'pools'} ${pools.join(', ')}`;
