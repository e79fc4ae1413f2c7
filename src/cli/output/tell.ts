import type { Session } from '../cli.ts';
import { printable } from './format.ts';
import { formatJson } from './json.ts';

/** What a command has done: what it left as JSON, or a sentence. */
export function tell({ terminal, json }: Session, left: object, sentence: string): void {
  terminal.out(json ? formatJson(left) : `${printable(sentence)}\n`);
}
