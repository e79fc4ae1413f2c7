import { spawn } from 'node:child_process';

/** What a finished child process left. Output beyond the limit is cut and `truncated` set. */
export interface RunResult {
  exitCode: number;
  stdout: string;
  stderr: string;
  truncated: boolean;
}

export interface RunOptions {
  /** SIGTERM after this long, SIGKILL `KILL_AFTER_MS` later. */
  timeoutMs: number;
  /** Bytes kept of each of stdout and stderr; 1 MiB by default. */
  maxBytes?: number;
  /** Exit codes that are an answer, not a failure; only 0 by default. */
  okCodes?: readonly number[];
  input?: string;
  signal?: AbortSignal;
}

/** A child process that could not be started, failed, was killed or ran out of time. */
export class RunError extends Error {
  readonly code: 'SPAWN_FAILED' | 'TIMED_OUT' | 'ABORTED' | 'KILLED' | 'FAILED';
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(code: RunError['code'], message: string, exitCode?: number, stderr = '') {
    super(message);
    this.name = 'RunError';
    this.code = code;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

const KILL_AFTER_MS = 2_000;
const DEFAULT_MAX_BYTES = 1 << 20;

/**
 * Runs a program with an argument list, no shell, `LC_ALL=C` and its own process group, which is ended as a whole.
 * Rejects with RunError unless it exits with one of `okCodes`.
 */
export function run(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const { timeoutMs, maxBytes = DEFAULT_MAX_BYTES, okCodes = [0], input, signal } = options;
  const label = [file, ...args].join(' ');
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new RunError('ABORTED', `${label}: aborted before it started`));
    const child = spawn(file, args, {
      detached: true,
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout = collect(child.stdout, maxBytes);
    const stderr = collect(child.stderr, maxBytes);
    let reason: 'TIMED_OUT' | 'ABORTED' | undefined;
    let killTimer: NodeJS.Timeout | undefined;

    const end = (why: 'TIMED_OUT' | 'ABORTED'): void => {
      reason ??= why;
      killGroup(child.pid, 'SIGTERM');
      killTimer ??= setTimeout(() => {
        killGroup(child.pid, 'SIGKILL');
        // One that sleeps in the kernel cannot be ended; it is not waited for.
        killTimer = setTimeout(() => abandon(), KILL_AFTER_MS);
      }, KILL_AFTER_MS);
    };
    const abandon = (): void => {
      release();
      child.unref();
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      reject(new RunError(reason!, `${label}: cannot be ended`));
    };
    const timer = setTimeout(() => end('TIMED_OUT'), timeoutMs);
    const onAbort = (): void => end('ABORTED');
    signal?.addEventListener('abort', onAbort, { once: true });
    const release = (): void => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      signal?.removeEventListener('abort', onAbort);
    };

    child.on('error', (error) => {
      release();
      reject(new RunError('SPAWN_FAILED', `${label}: ${error.message}`));
    });
    child.on('close', (exitCode, killedBy) => {
      release();
      const errors = stderr.text();
      const tail = errors.trim().slice(-2_000);
      if (reason === 'TIMED_OUT')
        reject(new RunError(reason, `${label}: no end within ${timeoutMs} ms`, undefined, errors));
      else if (reason === 'ABORTED') reject(new RunError(reason, `${label}: aborted`, undefined, errors));
      else if (exitCode === null) reject(new RunError('KILLED', `${label}: killed by ${killedBy}`, undefined, errors));
      else if (!okCodes.includes(exitCode)) {
        reject(new RunError('FAILED', `${label}: exit code ${exitCode}${tail && `: ${tail}`}`, exitCode, errors));
      } else {
        resolve({
          exitCode,
          stdout: stdout.text(),
          stderr: errors,
          truncated: stdout.truncated() || stderr.truncated(),
        });
      }
    });
    child.stdin.on('error', () => {}); // a program that does not read its input is no failure
    child.stdin.end(input);
  });
}

function collect(stream: NodeJS.ReadableStream, maxBytes: number): { text(): string; truncated(): boolean } {
  const chunks: Buffer[] = [];
  let kept = 0;
  let truncated = false;
  stream.on('data', (chunk: Buffer) => {
    const room = maxBytes - kept;
    if (chunk.length > room) truncated = true;
    if (room > 0) {
      chunks.push(chunk.subarray(0, room));
      kept += Math.min(room, chunk.length);
    }
  });
  return { text: () => Buffer.concat(chunks).toString('utf8'), truncated: () => truncated };
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // gone already
  }
}
