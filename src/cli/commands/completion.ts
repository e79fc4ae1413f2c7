import { Argument, type Command } from 'commander';
import type { AdminClient } from '../../admin/client.ts';
import type { Cli, Globals } from '../cli.ts';
import { candidates, type Named } from '../completion/candidates.ts';
import { completionScripts } from '../completion/scripts.ts';
import { examples } from './help.ts';

/** A person waits for the Tab key. */
const NAMES_TIMEOUT_MS = 1_000;

export function addCompletionCommands(program: Command, { terminal }: Cli): void {
  program
    .command('completion')
    .description('Print the completion script of a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(completionScripts)))
    .addHelpText(
      'after',
      examples(
        'source <(berth completion bash)',
        'berth completion zsh > "$' + '{fpath[1]}/_berth"',
        'berth completion fish > ~/.config/fish/completions/berth.fish',
      ),
    )
    .action((shell: keyof typeof completionScripts) => terminal.out(completionScripts[shell]));

  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[], _: object, command: Command) => {
      const found = candidates(program, words);
      const current = words.at(-1) ?? '';
      const names =
        found.names === undefined ? [] : await namesOf(found.names, command.optsWithGlobals<Globals>().socket);
      const fitting = names.filter((name) => name.startsWith(current) && !/[\p{Cc}]/u.test(name));
      for (const word of [...found.words, ...fitting]) terminal.out(`${word}\n`);
    });
}

async function namesOf(kind: Named, socket: string): Promise<string[]> {
  const { connectAdmin } = await import('../../admin/client.ts');
  const client = connectAdmin({ socket, timeoutMs: NAMES_TIMEOUT_MS });
  try {
    return await listers[kind](client);
  } catch {
    return []; // no daemon, no names
  } finally {
    client.close();
  }
}

const volumeNames = async (client: AdminClient) => (await client.listVolumes()).map(({ name }) => name);

const listers: Record<Named, (client: AdminClient) => Promise<string[]>> = {
  volume: volumeNames,
  source: async (client) => [...(await volumeNames(client)), ...(await client.listSnapshots()).map(({ name }) => name)],
  pool: async (client) => (await client.listPools()).map(({ name }) => name),
  disk: async (client) => (await client.listDisks()).map(({ id }) => id),
  job: async (client) => (await client.listJobs()).map(({ id }) => id),
};
