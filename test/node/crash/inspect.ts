import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { listQgroups, qgroupLimit, subvolumeInfo } from '../../../src/host/btrfs.ts';
import { attachedLoopNames, loopStatus } from '../../../src/host/loop.ts';
import type { CrashPool } from './lab.ts';

const FIRST_SUBVOLUME = 256n;
const SECTOR_BYTES = 512n;

/** What a pool holds, as the kernel and the ledger's own file tell it, without asking Berth. */
export interface Findings {
  /** By the uuid of the object. */
  volumes: Map<string, Entry>;
  snapshots: Map<string, Entry>;
  staging: string[];
  trash: string[];
  /** Numbers of quota groups that no entry has; btrfs only. */
  looseQgroups: bigint[];
  rows: Row[];
}

export interface Entry {
  path: string;
  /** What the kernel lets it hold: the limit of its quota group, or the size of its file. */
  sizeBytes: bigint | undefined;
  /** What the file has on its file system; undefined on btrfs. */
  allocatedBytes: bigint | undefined;
  /** Whether the kernel refuses writes. */
  readOnly: boolean;
  /** Without those that are only waiting to detach. */
  loops: { device: string; sizeBytes: bigint }[];
}

export interface Row {
  uuid: string;
  kind: 'volume' | 'snapshot';
  state: string;
  sizeBytes: bigint;
  chargedBytes: bigint;
}

export function inspectPool({ backend, dir }: CrashPool): Findings {
  const root = dir();
  const entries = (folder: string): string[] => readdirSync(join(root, folder));
  const loops = backend === 'image' ? loopsOver(root) : [];
  const rootFd = openSync(root, 'r');
  try {
    const numbers = new Set<bigint>();
    const describe = (folder: string): Map<string, Entry> =>
      new Map(
        entries(folder).map((name) => {
          const path = join(root, folder, name);
          if (backend === 'image') return [name.split('.')[0]!, describeImage(path, loops)];
          const { number, ...entry } = describeSubvolume(rootFd, path);
          numbers.add(number);
          return [name.split('.')[0]!, entry];
        }),
      );
    const volumes = describe('volumes');
    const snapshots = describe('snapshots');
    const qgroups = backend === 'btrfs' ? listQgroups(rootFd) : [];
    return {
      volumes,
      snapshots,
      staging: entries('.berth/staging'),
      trash: entries('.berth/trash'),
      looseQgroups: qgroups.filter((number) => number >= FIRST_SUBVOLUME && !numbers.has(number)),
      rows: readRows(root),
    };
  } finally {
    closeSync(rootFd);
  }
}

function describeSubvolume(rootFd: number, path: string): Entry & { number: bigint } {
  const fd = openSync(path, 'r');
  try {
    const { id, readOnly } = subvolumeInfo(fd);
    return { path, number: id, sizeBytes: qgroupLimit(rootFd, id), allocatedBytes: undefined, readOnly, loops: [] };
  } finally {
    closeSync(fd);
  }
}

function describeImage(path: string, loops: readonly { device: string; file: string }[]): Entry {
  const { size, blocks } = statSync(path, { bigint: true });
  return {
    path,
    sizeBytes: size,
    allocatedBytes: blocks * SECTOR_BYTES,
    readOnly: false,
    loops: loops.flatMap(({ device, file }) =>
      file === path
        ? [{ device, sizeBytes: BigInt(readFileSync(`/sys/block/${basename(device)}/size`, 'utf8')) * SECTOR_BYTES }]
        : [],
    ),
  };
}

const loopsOver = (root: string): { device: string; file: string }[] =>
  attachedLoopNames(`${root}/`)
    .filter((name) => loopStatus(`/dev/${name}`)?.autoclear === false)
    .map((name) => ({
      device: `/dev/${name}`,
      file: readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8').trim(),
    }));

/** Reads a copy, since the daemon has the ledger to itself. */
function readRows(root: string): Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'berth-ledger-'));
  try {
    for (const name of ['ledger.db', 'ledger.db-wal']) {
      const path = join(root, '.berth', name);
      if (existsSync(path)) copyFileSync(path, join(folder, name));
    }
    const db = new DatabaseSync(join(folder, 'ledger.db'));
    const query = db.prepare(
      'SELECT uuid, kind, state, size_bytes AS sizeBytes, charged_bytes AS chargedBytes FROM objects',
    );
    query.setReadBigInts(true);
    const rows = query.all() as unknown as Row[];
    db.close();
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The size of the mounted ext4 file system on a device, as its super block in the device's cache says. */
export function ext4Bytes(device: string): bigint {
  const superBlock = Buffer.alloc(1024);
  const fd = openSync(device, 'r');
  try {
    readSync(fd, superBlock, 0, superBlock.length, 1024);
  } finally {
    closeSync(fd);
  }
  return BigInt(superBlock.readUInt32LE(4)) * BigInt(1024 << superBlock.readUInt32LE(24));
}
