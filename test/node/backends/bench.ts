import { randomUUID } from 'node:crypto';
import { closeSync, constants, fsyncSync, mkdirSync, openSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freezeFilesystem, syncFilesystem, thawFilesystem } from '../../../src/host/files.ts';
import { errorCode } from '../../../src/host/libc.ts';
import { unmount } from '../../../src/host/mount.ts';
import { type Mount, readMounts } from '../../../src/host/mountinfo.ts';
import type { BackendDriver, CopySource, Made, Place } from '../../../src/pools/backend.ts';
import { entryName, homeOf, type Layout, openLayout } from '../../../src/pools/layout.ts';
import type { ObjectRow } from '../../../src/pools/ledger.ts';

export const MIB = 1n << 20n;
const WRITE_BYTES = 256 << 10;

export type Wanted = Partial<Pick<ObjectRow, 'sizeBytes' | 'content' | 'uuid'>> & { thin?: boolean };

/** A backend on a pool directory of its own, with what the operations do around it reduced to the calls in order. */
export interface Bench {
  backend: BackendDriver;
  layout: Layout;
  /** Of the content that the pool gives by default, unless said otherwise. */
  rowOf(wanted?: Wanted & { kind?: ObjectRow['kind'] }): ObjectRow;
  placeOf(row: ObjectRow): Place;
  create(wanted?: Wanted): Promise<ObjectRow>;
  copy(source: ObjectRow, wanted?: Wanted & { kind?: ObjectRow['kind'] }): Promise<ObjectRow>;
  /** Stages the volume and returns where. */
  mount(row: ObjectRow, options?: readonly string[]): string;
  unmount(row: ObjectRow, target: string): void;
  mounts(row: ObjectRow): Mount[];
  free(row: ObjectRow): Promise<void>;
  freeBytes(): bigint;
  close(): void;
}

export interface BenchOptions {
  poolDir: string;
  createBackend(layout: Layout): BackendDriver;
  /** Smallest size that the default content is tested at. */
  sizeBytes: bigint;
}

export function openBench({ poolDir, createBackend, sizeBytes }: BenchOptions): Bench {
  const layout = openLayout(poolDir);
  const backend = createBackend(layout);
  const mountsDir = `${poolDir}.mounts`;
  mkdirSync(mountsDir);
  let mountCount = 0;

  const finish = (row: ObjectRow, made: Made): ObjectRow => ({ ...row, identity: made.identity, number: made.number });
  const bench: Bench = {
    backend,
    layout,
    rowOf: ({ thin = true, kind = 'volume', ...wanted } = {}) => ({
      uuid: randomUUID(),
      kind,
      generation: 1,
      name: 'test',
      state: 'ready',
      sizeBytes,
      chargedBytes: wanted.sizeBytes ?? sizeBytes,
      content: backend.defaultFilesystem,
      parameters: { thin, nodatacow: false },
      ioLimits: {},
      grow: false,
      createdAt: 0,
      ...wanted,
    }),
    placeOf: (row) => layout.place(homeOf(row.kind), entryName(row, backend.suffix)),
    async create(wanted) {
      const row = bench.rowOf(wanted);
      const made = backend.make(bench.placeOf(row), row);
      if (row.content !== 'block') await backend.format?.(bench.placeOf(row), row);
      return finish(row, made);
    },
    async copy(source, wanted = {}) {
      const row = bench.rowOf({ sizeBytes: source.sizeBytes, content: source.content, ...wanted });
      const mountedAt = bench.mounts(source)[0]?.mountPoint;
      const from: CopySource = { row: source, place: bench.placeOf(source), mountedAt };
      const spec = { ...row, readOnly: row.kind === 'snapshot' };
      const copy = async () => finish(row, await backend.copy(from, bench.placeOf(row), spec, () => {}));
      const made = backend.freezesForCopy && mountedAt !== undefined ? await frozen(mountedAt, copy) : await copy();
      if (spec.readOnly) backend.setReadOnly?.(bench.placeOf(row), true);
      return made;
    },
    mount(row, options = []) {
      const target = join(mountsDir, String(++mountCount));
      mkdirSync(target);
      const device = backend.attach?.(bench.placeOf(row), row);
      backend.mount(bench.placeOf(row), row, target, options, device);
      return target;
    },
    unmount(row, target) {
      unmount(target);
      backend.detach?.(bench.placeOf(row), row);
    },
    mounts(row) {
      const place = bench.placeOf(row);
      return backend.mountsOf(place, row, readMounts(), backend.attachedDevice?.(place, row));
    },
    free: (row) => backend.free(bench.placeOf(row), row, () => {}),
    freeBytes() {
      syncFilesystem(layout.rootFd);
      const { bavail, bsize } = statfsSync(poolDir, { bigint: true });
      return bavail * bsize;
    },
    close: () => layout.close(),
  };
  return bench;
}

/** Brings everything written to the file system at `path` to its device. */
export function syncAt(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    syncFilesystem(fd);
  } finally {
    closeSync(fd);
  }
}

async function frozen<T>(path: string, act: () => Promise<T>): Promise<T> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  freezeFilesystem(fd);
  try {
    return await act();
  } finally {
    thawFilesystem(fd);
    closeSync(fd);
  }
}

/** Writes to a new file until the kernel refuses or `atMost` bytes are written; what came to the file and why it ended. */
export function writeUntilRefused(path: string, atMost: bigint): { bytes: bigint; code: string | undefined } {
  const fd = openSync(path, 'wx');
  let bytes = 0n;
  try {
    const block = Buffer.alloc(WRITE_BYTES, 'berth');
    while (bytes < atMost) bytes += BigInt(writeSync(fd, block));
    fsyncSync(fd);
    return { bytes, code: undefined };
  } catch (error) {
    // Node has no name for EDQUOT.
    const code = (error as NodeJS.ErrnoException).errno === -122 ? 'EDQUOT' : errorCode(error);
    return { bytes, code };
  } finally {
    closeSync(fd);
  }
}

/** Waits for something that the kernel does in its own time. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (holds()) return;
    await delay(25);
  }
  throw new Error(`still not so: ${what}`);
}
