/**
 * What a hostile writer does with the volume at /data; run in a pod (see pod.ts). Prints what it believes to have
 * written and how it was refused, as one line of JSON.
 */
import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import koffi from 'koffi';
import { createSubvolume, snapshotSubvolume } from '../../../src/host/btrfs.ts';
import { allocate, reflink, setAttribute } from '../../../src/host/files.ts';
import { errorCode } from '../../../src/host/libc.ts';

const DATA = '/data';
const PAGE = 4096;
const MIB = 1 << 20;
const block = Buffer.alloc(MIB, 'berth');

let bytes = 0n;
/** Nobody is satisfied with twice the size. */
let enough = 0n;

/** Goes on until it is refused or has enough; `step` returns the bytes that it has added. */
function push(step: (index: number) => number): void {
  for (let index = 0; bytes < enough; index++) bytes += BigInt(step(index));
}

const create = (name: string): number => openSync(`${DATA}/${name}`, 'w+');

function fill(name: string): void {
  const fd = create(name);
  push(() => writeSync(fd, block));
  fsyncSync(fd);
  closeSync(fd);
}

const attacks = {
  plain: () => fill('file'),
  smallFiles() {
    const text = block.subarray(0, 2000);
    push((index) => {
      if (index % 1000 === 0) mkdirSync(`${DATA}/${index / 1000}`);
      writeFileSync(`${DATA}/${Math.floor(index / 1000)}/${index}`, text);
      return text.length;
    });
  },
  attributes() {
    const text = block.toString('latin1', 0, 3000);
    push((index) => {
      const fd = create(`file-${index}`);
      setAttribute(fd, 'user.data', text);
      closeSync(fd);
      return text.length;
    });
  },
  sparse() {
    const fd = create('file');
    ftruncateSync(fd, Number(enough) * 16);
    push((index) => writeSync(fd, block, 0, PAGE, index * PAGE * 16));
    fsyncSync(fd);
  },
  allocate() {
    const fd = create('file');
    push((index) => {
      allocate(fd, BigInt(index * MIB), BigInt(MIB));
      return MIB;
    });
  },
  allocateAtOnce() {
    allocate(create('file'), 0n, enough);
    bytes = enough;
  },
  hardLinks() {
    push((index) => {
      writeFileSync(`${DATA}/file-${index}`, block);
      linkSync(`${DATA}/file-${index}`, `${DATA}/link-${index}`);
      unlinkSync(`${DATA}/file-${index}`);
      return MIB;
    });
  },
  unlinked() {
    push(() => {
      const fd = create('file');
      writeSync(fd, block);
      fsyncSync(fd);
      unlinkSync(`${DATA}/file`);
      return MIB; // open until the end
    });
  },
  reflinks() {
    writeFileSync(`${DATA}/file`, block, { flush: true });
    const source = openSync(`${DATA}/file`, 'r');
    push((index) => {
      const fd = create(`copy-${index}`);
      reflink(source, fd);
      writeSync(fd, block, 0, MIB, 0);
      fsyncSync(fd);
      closeSync(fd);
      return MIB;
    });
  },
  /** Takes what deleting gives back, again and again, which nobody may refuse. */
  deleteAndRewrite() {
    const half = enough / 4n;
    for (let round = 0; round < 8; round++) {
      const fd = create('file');
      for (let written = 0n; written < half; written += BigInt(MIB)) writeSync(fd, block);
      fsyncSync(fd);
      closeSync(fd);
      unlinkSync(`${DATA}/file`);
    }
  },
  direct() {
    const fd = openSync(`${DATA}/file`, constants.O_CREAT | constants.O_WRONLY | constants.O_DIRECT);
    const memory = Buffer.alloc(MIB + PAGE, 'berth');
    const offset = PAGE - Number(koffi.address(memory) % BigInt(PAGE));
    push(() => writeSync(fd, memory, offset, MIB));
  },
  /** A page that the file system has no room for ends the process. */
  mapped() {
    const libc = koffi.load(null);
    const mmap = libc.func(
      'intptr_t mmap(intptr_t at, size_t length, int protection, int flags, int fd, int64_t offset)',
    );
    const memset = libc.func('intptr_t memset(intptr_t at, int byte, size_t length)');
    const [READ_WRITE, SHARED] = [3, 1];
    const fd = create('file');
    ftruncateSync(fd, Number(enough));
    const start = BigInt(mmap(0, enough, READ_WRITE, SHARED, fd, 0));
    push((index) => {
      memset(start + BigInt(index * PAGE), 1, PAGE);
      if (index % 256 === 0) tell(undefined);
      return PAGE;
    });
    fsyncSync(fd);
  },

  // btrfs alone: subvolumes have quota groups of their own, and anybody may make them.
  nested() {
    createSubvolume(openSync(DATA, 'r'), 'nested');
    fillSlowly(['nested']);
  },
  /** With an inherit that names no group, so that the kernel does not choose one. */
  nestedUnlimited() {
    createSubvolume(openSync(DATA, 'r'), 'nested', 1n << 40n);
    fillSlowly(['nested']);
  },
  nestedSnapshots() {
    const fd = openSync(DATA, 'r');
    writeFileSync(`${DATA}/file`, block, { flush: true });
    snapshotSubvolume(fd, fd, 'first');
    snapshotSubvolume(openSync(`${DATA}/first`, 'r'), fd, 'second');
    fillSlowly(['first', 'second']);
  },
  nestedDeep() {
    createSubvolume(openSync(DATA, 'r'), 'one');
    createSubvolume(openSync(`${DATA}/one`, 'r'), 'two');
    createSubvolume(openSync(`${DATA}/one/two`, 'r'), 'three');
    fillSlowly(['one/two/three', 'one/two', 'one']);
  },
  /** One after the other, each as soon as the last one is refused. */
  nestedMany() {
    const fd = openSync(DATA, 'r');
    for (let index = 0; bytes < enough; index++) {
      createSubvolume(fd, `nested-${index}`);
      try {
        fillSlowly([`nested-${index}`]);
      } catch (error) {
        if (nameOf(error) !== 'EDQUOT') throw error;
      }
    }
  },
};

export type AttackName = keyof typeof attacks;

/** A MiB each 50 ms and folder: a writer whose second is 20 MiB. */
function fillSlowly(folders: string[]): void {
  const fds = folders.map((folder) => create(`${folder}/file`));
  push(() => {
    for (const fd of fds) {
      writeSync(fd, block);
      fsyncSync(fd);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    return MIB * fds.length;
  });
}

/** Node has no name for EDQUOT. */
const nameOf = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException).errno === -122 ? 'EDQUOT' : errorCode(error);

const tell = (refusal: string | undefined): void =>
  writeFileSync(1, `${JSON.stringify({ bytes: String(bytes), refusal })}\n`);

/** Only in a pod of this test is there nothing else at risk. */
function main(name: string, sizeBytes: bigint): void {
  const ownRoot = readFileSync('/proc/self/mountinfo', 'utf8').includes(' / / rw');
  if (!ownRoot || process.pid !== 1) throw new Error('this is no pod');
  enough = sizeBytes * 2n;
  try {
    attacks[name as AttackName]();
    tell(undefined);
  } catch (error) {
    if (nameOf(error) === undefined) throw error;
    tell(nameOf(error));
  }
}

if (process.argv[1] === import.meta.filename) {
  const [, , name, sizeBytes] = process.argv;
  main(name!, BigInt(sizeBytes!));
}
