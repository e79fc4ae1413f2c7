import type { Argument, Command, Option } from 'commander';

/** Things that the daemon knows the names of; an argument is called so. */
const NAMED = ['volume', 'source', 'pool', 'disk', 'job'] as const;
export type Named = (typeof NAMED)[number];

/** What may stand at the end of a command line: words, and names that only the daemon has. */
export interface Candidates {
  words: string[];
  names?: Named | undefined;
}

/** `words` are those after `berth`; the last is the one to complete, and may be empty. */
export function candidates(program: Command, words: readonly string[]): Candidates {
  const current = words.at(-1) ?? '';
  let command = program;
  let positional = 0;
  let expectsValue: Option | undefined;
  for (const word of words.slice(0, -1)) {
    if (expectsValue !== undefined) {
      expectsValue = undefined;
    } else if (word.startsWith('-')) {
      const option = optionsOf(command, program).find((one) => word === one.long || word === one.short);
      expectsValue = option?.required && !word.includes('=') ? option : undefined;
    } else {
      const next = subcommands(command).find((one) => one.name() === word);
      if (next === undefined) positional++;
      else command = next;
    }
  }
  const found = complete({ command, program, current, positional, expectsValue });
  return { ...found, words: found.words.filter((word) => word.startsWith(current)).sort() };
}

function complete(at: {
  command: Command;
  program: Command;
  current: string;
  positional: number;
  expectsValue: Option | undefined;
}): Candidates {
  const { command, program, current, positional, expectsValue } = at;
  if (expectsValue !== undefined) return { words: [...(expectsValue.argChoices ?? [])] };
  if (current.startsWith('-')) {
    return { words: optionsOf(command, program).flatMap(({ long }) => (long ? [long] : [])) };
  }
  const argument = argumentAt(command.registeredArguments, positional);
  const names = NAMED.find((name) => name === argument?.name());
  return { words: [...subcommands(command).map((one) => one.name()), ...(argument?.argChoices ?? [])], names };
}

const argumentAt = (args: readonly Argument[], index: number): Argument | undefined =>
  args[index] ?? (args.at(-1)?.variadic ? args.at(-1) : undefined);

const subcommands = (command: Command): Command[] => command.createHelp().visibleCommands(command);

const optionsOf = (command: Command, program: Command): Option[] => [
  ...command.createHelp().visibleOptions(command),
  ...(command === program ? [] : program.createHelp().visibleOptions(program)),
];
