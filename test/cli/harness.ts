import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveAdmin } from '../../src/admin/index.ts';
import { type Daemons, runCli } from '../../src/cli/index.ts';
import type { Terminal } from '../../src/cli/output/terminal.ts';
import { fakeBackend } from '../admin/fake-backend.ts';
import { CREATED_AT, type FakeState, newState } from '../admin/fake-service.ts';

/** Three hours after everything in the fakes was made. */
export const NOW = CREATED_AT + 3 * 3_600_000;

export interface FakeTerminal extends Terminal {
  stdout: string;
  stderr: string;
  questions: string[];
}

export function fakeTerminal(changes: Partial<Terminal> & { answer?: boolean } = {}): FakeTerminal {
  const terminal: FakeTerminal = {
    stdout: '',
    stderr: '',
    questions: [],
    out: (text) => {
      terminal.stdout += text;
    },
    err: (text) => {
      terminal.stderr += text;
    },
    interactive: false,
    live: false,
    columns: 80,
    style: (_, text) => text,
    async confirm(question) {
      terminal.questions.push(question);
      return changes.answer ?? false;
    },
    now: () => NOW,
    ...changes,
  };
  return terminal;
}

export const noDaemons: Daemons = {
  runNode: async () => {
    throw new Error('runNode was not expected');
  },
  runController: async () => {
    throw new Error('runController was not expected');
  },
  checkUninstall: async () => {
    throw new Error('checkUninstall was not expected');
  },
  runDev: async () => {
    throw new Error('runDev was not expected');
  },
};

export interface Result {
  code: number;
  out: string;
  err: string;
  questions: string[];
}

export interface Lab {
  dir: string;
  socket: string;
  state: FakeState;
  /** Runs a command line in this process against the daemon. */
  berth(args: readonly string[], terminal?: Partial<Terminal> & { answer?: boolean }): Promise<Result>;
  close(): Promise<void>;
}

/** A fake daemon on a socket of its own. */
export async function openLab(state: Partial<FakeState> = {}): Promise<Lab> {
  const dir = mkdtempSync(join(tmpdir(), 'berth-cli-'));
  const socket = join(dir, 'admin.sock');
  const full = newState(state);
  const server = await serveAdmin({ socket, backend: fakeBackend(full, join(dir, 'staging')) });
  return {
    dir,
    socket,
    state: full,
    berth: (args, changes) => runOnce(['--socket', socket, ...args], changes),
    async close() {
      await server.close(0);
      rmSync(dir, { recursive: true });
    },
  };
}

export async function runOnce(
  args: readonly string[],
  changes: Partial<Terminal> & { answer?: boolean } = {},
  daemons: Daemons = noDaemons,
): Promise<Result> {
  const terminal = fakeTerminal(changes);
  const code = await runCli(args, daemons, terminal);
  return { code, out: terminal.stdout, err: terminal.stderr, questions: terminal.questions };
}
