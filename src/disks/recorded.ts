import type { ProbeOutput } from './probe.ts';
import { EDGE_BYTES } from './snapshot.ts';
import type { DiskSources, Root } from './sources.ts';

/** What a device answers in a recording. */
export interface RecordedDevice {
  number: string;
  sizeBytes: number;
  /** Absent: blkid could not be run to its end. */
  probe?: ProbeOutput | undefined;
  /** Name of the errno, such as EBUSY; absent: it opens. */
  exclusiveError?: string | undefined;
  /** Name of the errno of every read, such as EIO; absent: it can be read. */
  readError?: string | undefined;
  /** What is not zero. */
  bytes?: readonly { offset: number; base64: string }[] | undefined;
}

/** A machine as it was seen once, as plain JSON: texts and links by root and path, devices by the path of their node. */
export interface RecordedMachine {
  files: Record<Root, Record<string, string>>;
  links: Record<Root, Record<string, string>>;
  devices: Record<string, RecordedDevice>;
}

const zeros = Buffer.alloc(EDGE_BYTES);

/** Replays a machine. Folders follow from the files and links in them; a root with none of either does not exist. */
export function recordedSources(machine: RecordedMachine): DiskSources {
  const folders = foldersOf(machine);
  const deviceAt = (path: string): RecordedDevice => {
    const device = machine.devices[path];
    if (device === undefined) throw systemError('ENOENT', path);
    return device;
  };
  return {
    devRoot: '/dev',
    readText: (root, path) => machine.files[root][path],
    list: (root, path) => {
      const names = folders.get(`${root}/${path}`);
      return names && [...names];
    },
    linkTarget: (root, path) => machine.links[root][path],
    nodeNumber: (path) => machine.devices[path]?.number,
    async probe(path) {
      const { probe } = deviceAt(path);
      if (probe === undefined) throw new Error('blkid did not end in time');
      return probe;
    },
    async openExclusive(path) {
      const { exclusiveError, number } = deviceAt(path);
      if (exclusiveError !== undefined) throw systemError(exclusiveError, path);
      return { fd: -1, number, close: async () => {} };
    },
    async readRange(path, offsetBytes, lengthBytes) {
      const { readError, sizeBytes, bytes = [] } = deviceAt(path);
      if (readError !== undefined) throw systemError(readError, path);
      const start = Number(offsetBytes);
      const length = Math.max(0, Math.min(lengthBytes, sizeBytes - start));
      if (bytes.length === 0 && length <= zeros.length) return zeros.subarray(0, length);
      const buffer = Buffer.alloc(length);
      for (const { offset, base64 } of bytes) {
        const data = Buffer.from(base64, 'base64');
        const at = offset - start;
        if (at < buffer.length && at + data.length > 0) data.copy(buffer, Math.max(at, 0), Math.max(-at, 0));
      }
      return buffer;
    },
  };
}

function foldersOf({ files, links }: RecordedMachine): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>();
  for (const entries of [files, links]) {
    for (const [root, paths] of Object.entries(entries)) {
      for (const path of Object.keys(paths)) {
        const parts = [root, ...path.split('/')];
        for (let depth = 1; depth < parts.length; depth++) {
          const folder = parts.slice(0, depth).join('/');
          folders.set(folder, (folders.get(folder) ?? new Set()).add(parts[depth]!));
        }
      }
    }
  }
  return folders;
}

const systemError = (code: string, subject: string): Error => Object.assign(new Error(`${code}: ${subject}`), { code });
