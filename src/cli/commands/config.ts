import type { Command } from 'commander';
import type { Cli, Globals } from '../cli.ts';
import { formatJson } from '../output/json.ts';
import { addGroup, examples } from './help.ts';

interface Which {
  controller?: true;
}

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
    .option('--controller', "it is a controller's")
    .addHelpText('after', examples('berth config check /etc/berth/config.yaml'))
    .action(async (file: string, { controller }: Which, command: Command) => {
      const { loadConfig, loadControllerConfig } = await import('../../config/index.ts');
      const { json } = command.optsWithGlobals<Globals>();
      if (controller) {
        loadControllerConfig(file);
        terminal.out(json ? formatJson({ file, valid: true }) : `${file} is right\n`);
        return;
      }
      const { pools } = loadConfig(file);
      const names = pools.map(({ name }) => name);
      terminal.out(json ? formatJson({ file, valid: true, pools: names }) : `${file} is right, with ${count(names)}\n`);
    });

  config
    .command('schema')
    .description('Print the JSON Schema of the config file, for editors and other tools.')
    .option('--controller', "of a controller's")
    .addHelpText('after', examples('berth config schema > berth.schema.json'))
    .action(async ({ controller }: Which) => {
      const { configJsonSchema, controllerJsonSchema } = await import('../../config/index.ts');
      terminal.out(formatJson(controller ? controllerJsonSchema() : configJsonSchema()));
    });
}

const count = (pools: string[]): string =>
  pools.length === 0 ? 'no pools' : `${pools.length === 1 ? 'pool' : 'pools'} ${pools.join(', ')}`;
