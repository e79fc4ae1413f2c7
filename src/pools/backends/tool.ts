import { BerthError } from '../../errors.ts';
import { RunError, run } from '../../host/run.ts';

export interface ToolRun {
  file: string;
  args: readonly string[];
  /** What it is for, as the sentence "{tool} is not installed, {purpose} needs it" wants it. */
  purpose: string;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** Runs a tool that owns a format. Throws TOOL_MISSING, JOB_FAILED, or the signal's own reason. */
export async function runTool({ file, args, purpose, timeoutMs, signal }: ToolRun): Promise<void> {
  try {
    await run(file, args, { timeoutMs, ...(signal && { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof RunError)) throw error;
    if (error.code === 'SPAWN_FAILED' && error.message.includes('ENOENT')) {
      throw new BerthError('TOOL_MISSING', { tool: file, purpose }, { cause: error });
    }
    throw new BerthError('JOB_FAILED', { operation: purpose, problem: error.message }, { cause: error });
  }
}
