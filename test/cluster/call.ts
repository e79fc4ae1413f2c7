import { join } from 'node:path';
import { type RunOptions, run } from '../../src/host/run.ts';

const FOLDER = join(import.meta.dirname, 'bed');
const LIMIT_MS = 120_000;
const MAX_BYTES = 64 << 20;
/** What the bed's scripts read of the environment; `run` passes nothing on. */
const VARIABLES = ['BED_STATE', 'BERTH_CACHE', 'BERTH_IMAGE', 'HOME', 'TMPDIR'];

export type CallOptions = Partial<Pick<RunOptions, 'input' | 'timeoutMs'>>;

/** Runs a script of bed/ and returns what it prints. Throws with what it says on stderr. */
export async function runScript(name: string, args: readonly string[], options: CallOptions = {}): Promise<string> {
  const environment = VARIABLES.flatMap((key) => (process.env[key] ? [`${key}=${process.env[key]}`] : []));
  const limits = { timeoutMs: LIMIT_MS, maxBytes: MAX_BYTES };
  const { stdout } = await run('env', [...environment, join(FOLDER, name), ...args], { ...limits, ...options });
  return stdout;
}

/** Calls a function of bed/*.bash on a node. */
export const callOn = (node: string, args: readonly string[], options?: CallOptions): Promise<string> =>
  runScript('call', ['on', node, ...args], options);
