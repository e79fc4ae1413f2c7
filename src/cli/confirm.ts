import { BerthError } from '../errors.ts';
import { printable } from './output/format.ts';
import type { Terminal } from './output/terminal.ts';

/** Goes on only when `yes` was given or a person agrees. Throws CONFIRMATION_REQUIRED. */
export async function confirm(terminal: Terminal, operation: string, question: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!terminal.interactive || !(await terminal.confirm(printable(question)))) {
    throw new BerthError('CONFIRMATION_REQUIRED', { operation });
  }
}
