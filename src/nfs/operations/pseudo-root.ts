import type { FileStat } from '../fs/file-stat.ts';
import type { FileStore } from '../fs/store.ts';
import { FileType } from '../protocol/types.ts';

/** The read-only directory above all exports; its handle is the same for every server and run. */
export interface PseudoRoot {
  readonly isPseudoRoot: true;
  readonly handle: Buffer;
  readonly type: FileType;
  stat(): FileStat;
  /** An export was added or removed. */
  changed(): void;
}

const HANDLE = Buffer.from('berth-root');
const ROOT_INO = 1n;

export function createPseudoRoot(store: FileStore, wallClock: () => number): PseudoRoot {
  const at = (): { seconds: number; nanoseconds: number } => {
    const ms = wallClock();
    return { seconds: Math.floor(ms / 1000), nanoseconds: (ms % 1000) * 1_000_000 };
  };
  let time = at();
  let changes = 0;
  return {
    isPseudoRoot: true,
    handle: HANDLE,
    type: FileType.DIR,
    stat: () => ({
      type: FileType.DIR,
      mode: 0o555,
      links: 2 + [...store.volumes()].length,
      uid: 0,
      gid: 0,
      sizeBytes: 4096,
      usedBytes: 0,
      ino: ROOT_INO,
      device: 0n,
      rawDevice: { major: 0, minor: 0 },
      accessed: time,
      modified: time,
      changed: { ...time, nanoseconds: time.nanoseconds + changes },
      created: time,
      birthNs: 0n,
    }),
    changed() {
      time = at();
      changes = (changes + 1) % 1000;
    },
  };
}

/** The file number of an export's root, seen from above: that of what it is mounted on. */
export const mountedOn = (volumeId: Buffer): bigint => volumeId.readBigUInt64BE(0) | 2n;
