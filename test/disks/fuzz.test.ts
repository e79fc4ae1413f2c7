import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recogniseHeaders } from '../../src/disks/headers.ts';
import { readProbe } from '../../src/disks/probe.ts';
import { decodeProperty, parseProperties, parseUdevEntry } from '../../src/disks/properties.ts';
import type { Root } from '../../src/disks/sources.ts';
import { parseUevent } from '../../src/disks/uevent.ts';
import { parseMountInfo } from '../../src/host/mountinfo.ts';
import { judge } from './judge.ts';
import { type FakeMachine, fakeMachine } from './machine.ts';
import { animals } from './zoo.ts';

const RUNS = { numRuns: 300 };
const SIZE = 300 * 2 ** 20;

/** Text that looks like what the parser reads, with some of it broken. */
const mutated = (sample: string): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(fc.nat(sample.length), fc.nat(8), fc.string({ unit: 'binary', maxLength: 8 })), { maxLength: 4 })
    .map((edits) => edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), sample));

const udevEntry = 'S:disk/by-id/ata-X\nL:0\nI:17\nE:ID_SERIAL=X\nE:ID_FS_TYPE=ext4\nE:ID_PATH=pci-0\nG:systemd\n';
const blkid = 'ID_FS_LABEL=x\nID_FS_LABEL_ENC=a\\x20b\nID_FS_UUID=u\nID_FS_TYPE=ext4\nID_FS_USAGE=filesystem\n';
const mountInfo = '22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw\n27 1 8:1 / / rw - ext4 /dev/sda1 rw\n';
const uevent = 'add@/devices/x/block/sda\0ACTION=add\0DEVPATH=/devices/x/block/sda\0SUBSYSTEM=block\0SEQNUM=9\0';

describe('mutated input', () => {
  it('of the udev database is read as far as it goes', () => {
    fc.assert(
      fc.property(mutated(udevEntry), (text) => {
        for (const value of Object.values(parseUdevEntry(text).tags))
          expect(typeof decodeProperty(value)).toBe('string');
      }),
      RUNS,
    );
  });

  it('of properties keeps no line without a key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const key of Object.keys(parseProperties(text).tags)) expect(key).toMatch(/^[A-Z][A-Z0-9_]*$/);
      }),
      RUNS,
    );
  });

  it('of blkid is never empty when it found a type, a table or complained', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1, max: 9 }),
        mutated(blkid),
        fc.string({ maxLength: 5 }),
        (exitCode, stdout, stderr) => {
          const content = readProbe({ exitCode, stdout, stderr });
          if (stderr.trim() !== '') expect(content.state).not.toBe('empty');
          if (/^ID_(FS|PART_TABLE)_TYPE=/m.test(stdout)) expect(content.state).not.toBe('empty');
        },
      ),
      RUNS,
    );
  });

  it('of the mount table is refused as a whole or read', () => {
    fc.assert(
      fc.property(mutated(mountInfo), (text) => {
        try {
          for (const mount of parseMountInfo(text)) expect(typeof mount.mountPoint).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
      RUNS,
    );
  });

  it('of the kernel is an event or nothing', () => {
    fc.assert(
      fc.property(mutated(uevent), (text) => {
        const event = parseUevent(Buffer.from(text, 'latin1'));
        if (event !== undefined) expect(event.name).toEqual(expect.any(String));
      }),
      RUNS,
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => void parseUevent(Buffer.from(bytes))),
      RUNS,
    );
  });

  it('of headers is recognised or not', () => {
    const edge = fc.uint8Array({ maxLength: 8192 }).map((bytes) => Buffer.from(bytes));
    const size = fc.bigInt({ min: 0n, max: 1n << 40n });
    fc.assert(
      fc.property(edge, edge, size, (head, tail, sizeBytes) => Array.isArray(recogniseHeaders(head, tail, sizeBytes))),
      RUNS,
    );
  });
});

/** A disk that is free but for the bytes on it, as an old blkid sees it that knows no format at all. */
function diskWith(patches: readonly { offset: number; data: Buffer }[]): FakeMachine {
  const bytes = patches.map(({ offset, data }) => ({ offset, base64: data.toString('base64') }));
  return fakeMachine().disk('sda', { sizeBytes: SIZE * 4, device: { bytes } });
}

describe('a disk', () => {
  it('with any bytes at its edges is not free, whatever blkid knows', async () => {
    const head = fc.nat(2 ** 20 - 300);
    const tail = fc.integer({ min: SIZE * 4 - 2 ** 20, max: SIZE * 4 - 300 });
    const data = fc.uint8Array({ minLength: 1, maxLength: 256 }).filter((bytes) => bytes.some((byte) => byte !== 0));
    await fc.assert(
      fc.asyncProperty(fc.oneof(head, tail), data, async (offset, bytes) => {
        const [disk] = await judge(diskWith([{ offset, data: Buffer.from(bytes) }]));
        expect(disk!.verdict).toBe('used');
      }),
      { numRuns: 60 },
    );
  });

  it('with a damaged animal on it is not free', async () => {
    const names = Object.keys(animals) as (keyof typeof animals)[];
    const wound = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), wound, async (name, [where, byte]) => {
        const patches = animals[name](SIZE * 4).map(({ offset, data }) => ({ offset, data: Buffer.from(data) }));
        const hurt = patches[Math.floor(where * (patches.length - 1))]!.data;
        hurt[Math.floor(where * (hurt.length - 1))] = byte;
        const [disk] = await judge(diskWith(patches));
        expect(disk!.verdict).toBe('used');
      }),
      { numRuns: 100 },
    );
  });

  it('that is in use is never free, and never breaks the list, whatever one file about it says', async () => {
    const busy = (): FakeMachine =>
      fakeMachine()
        .disk('sda', { udev: { ID_SERIAL: 'x', ID_FS_TYPE: 'ext4' } })
        .partition('sda', 1)
        .disk('dm-0', { sys: { 'dm/uuid': 'mpath-1', 'dm/suspended': '0', 'slaves/sda': '' } })
        .disk('loop3', { sys: { 'loop/backing_file': '/dev/sda', 'loop/offset': '0' } })
        .mount('8:1', '/')
        .swap('/dev/sda1');
    const files = Object.entries(busy().machine.files).flatMap(([root, texts]) =>
      Object.keys(texts).map((path) => [root as Root, path] as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.string({ unit: 'binary' }), async ([root, path], text) => {
        const fake = busy();
        fake.machine.files[root][path] = text;
        const disks = await judge(fake);
        expect(disks.find(({ kernelName }) => kernelName === 'sda')?.verdict).not.toBe('free');
      }),
      { numRuns: 200 },
    );
  });
});
