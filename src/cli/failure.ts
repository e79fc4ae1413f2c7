import { toBerthError } from '../errors.ts';
import { printable } from './output/format.ts';
import type { Terminal } from './output/terminal.ts';

/** Exit codes, described in docs/reference/cli.md. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;

const EXIT_BY_CODE: Record<string, number> = {
  CONFIG_INVALID: EXIT.usage,
  USAGE_INVALID: EXIT.usage,
  CONFIRMATION_REQUIRED: EXIT.usage,
  DAEMON_UNREACHABLE: EXIT.unreachable,
  KUBE_CONFIG_UNUSABLE: EXIT.usage,
  NODE_REQUIRED: EXIT.usage,
  NODE_UNREACHABLE: EXIT.unreachable,
};

/** What the daemon and the core throw; both kinds of error look so. */
interface Failure {
  code: string;
  message: string;
  remedy: string;
}

/** Tells what went wrong and what to do about it, and returns the exit code. */
export function reportFailure(thrown: unknown, terminal: Pick<Terminal, 'err'>): number {
  const { code, message, remedy } = isFailure(thrown) ? thrown : toBerthError(thrown);
  // Some messages have several lines.
  terminal.err(`berth: ${code}: ${message.split('\n').map(printable).join('\n')}\n`);
  if (remedy !== '') terminal.err(`  hint: ${remedy}\n`);
  return EXIT_BY_CODE[code] ?? EXIT.failed;
}

const isFailure = (thrown: unknown): thrown is Failure =>
  thrown instanceof Error && 'remedy' in thrown && 'code' in thrown;
