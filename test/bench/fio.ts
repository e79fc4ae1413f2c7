import { join } from 'node:path';
import { run } from '../../src/host/run.ts';

export interface Pattern {
  readwrite: string;
  blockSize: string;
  unit: 'IOPS' | 'MiB/s';
}

export const patterns = {
  '4k random read': { readwrite: 'randread', blockSize: '4k', unit: 'IOPS' },
  '4k random write': { readwrite: 'randwrite', blockSize: '4k', unit: 'IOPS' },
  '1M sequential read': { readwrite: 'read', blockSize: '1M', unit: 'MiB/s' },
  '1M sequential write': { readwrite: 'write', blockSize: '1M', unit: 'MiB/s' },
} as const satisfies Record<string, Pattern>;

const QUEUE_DEPTH = 16;
const TIMEOUT_MS = 120_000;

interface Report {
  jobs: { read: Result; write: Result }[];
}
interface Result {
  iops: number;
  bw_bytes: number;
}

/** IOPS or MiB/s of the pattern on a file of `fileBytes` in `dir`, which is written in full once before. */
export async function measureFio(
  dir: string,
  { readwrite, blockSize, unit }: Pattern,
  { fileBytes, runtimeS }: { fileBytes: number; runtimeS: number },
): Promise<number> {
  const options = {
    name: 'bench',
    filename: join(dir, 'fio'),
    size: String(fileBytes),
    rw: readwrite,
    bs: blockSize,
    direct: '1',
    ioengine: 'libaio',
    iodepth: String(QUEUE_DEPTH),
    runtime: String(runtimeS),
    time_based: '1',
    overwrite: '1',
    fallocate: 'none',
    'output-format': 'json',
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const { stdout } = await run('fio', args, { timeoutMs: TIMEOUT_MS });
  const [job] = (JSON.parse(stdout.slice(stdout.indexOf('{'))) as Report).jobs;
  const { iops, bw_bytes } = readwrite.endsWith('read') ? job!.read : job!.write;
  return unit === 'IOPS' ? iops : bw_bytes / 2 ** 20;
}
