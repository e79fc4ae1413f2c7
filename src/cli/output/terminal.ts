import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Where the command line reads and writes. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Somebody is there to answer a question. */
  interactive: boolean;
  /** The error output is a terminal, so that lines on it can be drawn again. */
  live: boolean;
  columns: number;
  style(style: Style, text: string): string;
  /** Asks on the error output; anything but yes is no. */
  confirm(question: string): Promise<boolean>;
  /** In ms since 1970. */
  now(): number;
}

export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  // `berth volume list | head` closes the pipe early, which is no failure.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  const colour = stdout.isTTY === true && !env['NO_COLOR'];
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    interactive: stdin.isTTY === true && stderr.isTTY === true,
    live: stderr.isTTY === true,
    columns: stderr.columns ?? stdout.columns ?? 80,
    style: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
    async confirm(question) {
      const lines = createInterface({ input: stdin, output: stderr });
      // The end of the input answers as well, and as no.
      const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
      const answer = await Promise.race([lines.question(`${question} [y/N] `), ended]);
      lines.close();
      return /^y(es)?$/i.test(answer.trim());
    },
    now: () => Date.now(),
  };
}
