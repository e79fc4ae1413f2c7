import type { Command } from 'commander';

/** The end of a command's help. */
export const examples = (...lines: string[]): string => `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;

/** A command that only holds others. */
export const addGroup = (program: Command, name: string, description: string, ...lines: string[]): Command =>
  program
    .command(name)
    .description(description)
    .helpCommand(false)
    .addHelpText('after', examples(...lines));
