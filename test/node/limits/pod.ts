import { spawn } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AttackName } from './attack.ts';

const REPO = join(import.meta.dirname, '../../..');
const TIMEOUT_MS = 120_000;

/** How an attack ended: what the writer was told, or the signal that ended it. */
export interface Outcome {
  /** Bytes that the writer believes to have in files now. */
  bytes: bigint;
  /** The errno's name of the refusal; undefined when nothing was refused. */
  refusal: string | undefined;
}

/** Runs an attack as root of a pod that has the volume at `volumePath`, and nothing else. */
export async function attackFromPod(volumePath: string, attack: AttackName, sizeBytes: bigint): Promise<Outcome> {
  const root = mkdtempSync(join(tmpdir(), 'berth-pod-'));
  const isolated = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
  const pod = [join(import.meta.dirname, 'pod.sh'), root, volumePath, REPO];
  const program = ['/repo/node_modules/.bin/node', '/repo/test/node/limits/attack.ts', attack, String(sizeBytes)];
  try {
    return await runToOutcome('unshare', [...isolated, 'sh', ...pod, ...program]);
  } finally {
    rmdirSync(root); // empty again: its mounts were those of the pod
  }
}

function runToOutcome(file: string, args: string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (last.startsWith('{')) {
        const { bytes, refusal } = JSON.parse(last) as { bytes: string; refusal?: string };
        // A fault on a page that the file system cannot give ends the process; the shell tells the signal by 128 + number.
        const died = code === 0 ? undefined : (signal ?? `exit code ${code}`);
        return resolve({ bytes: BigInt(bytes), refusal: died ?? refusal });
      }
      reject(new Error(`${file} ended with ${code ?? signal}: ${stderr}`));
    });
  });
}
