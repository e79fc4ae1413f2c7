import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectDisks } from '../../../src/disks/collect.ts';
import { createDisks, type Disk, type DiskPolicy, poolLabel, systemSources } from '../../../src/disks/index.ts';
import type { ReasonCode } from '../../../src/disks/reasons.ts';
import { recordingSources } from '../../../src/disks/record.ts';
import { recordedSources } from '../../../src/disks/recorded.ts';
import type { DiskSources } from '../../../src/disks/sources.ts';
import { attachLoop, detachLoop } from '../../../src/host/loop.ts';
import { mountFilesystem } from '../../../src/host/mount.ts';
import { run } from '../../../src/host/run.ts';
import { animals, writePatches } from '../../disks/zoo.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';

const SIZE = 300 * 2 ** 20;
const POOL = '11111111-2222-4333-8444-555555555555';

let lab: LoopLab;
beforeAll(() => {
  lab = openLoopLab();
});
afterAll(() => lab.dispose());

const tool = (file: string, ...args: string[]) => run(file, args, { timeoutMs: 60_000 });
const hasTool = (name: string): boolean =>
  ['/usr/sbin', '/sbin', '/usr/bin'].some((dir) => existsSync(`${dir}/${name}`));

/** What the daemon says of these loop devices, each of them allowed. */
async function look(
  paths: readonly string[],
  options: { policy?: Partial<DiskPolicy>; sources?: DiskSources } = {},
): Promise<Disk[]> {
  const policy = { nodeName: 'n1', knownPools: new Map(), allowLoop: new Set(paths), ...options.policy };
  const disks = await createDisks({ policy: () => policy, sources: options.sources }).list();
  return paths.map((path) => disks.find((disk) => disk.path === path)!);
}

async function expectCaged(path: string, code: ReasonCode, options: Parameters<typeof look>[1] = {}): Promise<Disk> {
  const [disk] = await look([path], options);
  expect(disk!.reasons.map((reason) => reason.code)).toContain(code);
  expect(['used', 'unknown']).toContain(disk!.verdict);
  return disk!;
}

describe('an empty loop device', () => {
  it('is free when it is allowed, and not when it is not', async () => {
    const { path } = lab.device(SIZE);
    const [disk] = await look([path]);
    expect(disk).toMatchObject({ verdict: 'free', sizeBytes: BigInt(SIZE), transport: 'loop' });
    expect(disk!.reasons.map(({ code }) => code)).toEqual(['EMPTY']);
    await expectCaged(path, 'LOOP_NOT_ALLOWED', { policy: { allowLoop: new Set() } });
  });
});

describe('made by its own tool', () => {
  const made: [string, string, ReasonCode, (path: string) => Promise<unknown>][] = [
    ['ext4', 'mkfs.ext4', 'SIGNATURE', (path) => tool('mkfs.ext4', '-q', path)],
    ['xfs', 'mkfs.xfs', 'SIGNATURE', (path) => tool('mkfs.xfs', '-q', path)],
    ['btrfs', 'mkfs.btrfs', 'SIGNATURE', (path) => tool('mkfs.btrfs', '-q', path)],
    ['vfat', 'mkfs.vfat', 'SIGNATURE', (path) => tool('mkfs.vfat', path)],
    ['inactive swap', 'mkswap', 'SIGNATURE', (path) => tool('mkswap', path)],
    ['LUKS1', 'cryptsetup', 'SIGNATURE', (path) => luksFormat(path, 'luks1')],
    ['LUKS2', 'cryptsetup', 'SIGNATURE', (path) => luksFormat(path, 'luks2')],
    ['bcache', 'make-bcache', 'SIGNATURE', (path) => tool('make-bcache', '-B', path)],
    ['GPT', 'sgdisk', 'PARTITION_TABLE', (path) => tool('sgdisk', '-n', '1:0:+10M', path)],
    ['empty GPT', 'sgdisk', 'PARTITION_TABLE', (path) => tool('sgdisk', '-o', path)],
    [
      'MBR',
      'sfdisk',
      'PARTITION_TABLE',
      (path) => run('sfdisk', ['-q', path], { timeoutMs: 9_000, input: 'label: dos\n,10M\n' }),
    ],
  ];
  const luksFormat = (path: string, type: string) =>
    run(
      'cryptsetup',
      ['luksFormat', '-q', '--type', type, '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', path, '-'],
      {
        timeoutMs: 60_000,
        input: 'secret',
      },
    );

  for (const [name, file, code, make] of made) {
    it.skipIf(!hasTool(file))(`${name} by ${file}`, async () => {
      const { path } = lab.device(SIZE);
      await make(path);
      await expectCaged(path, code);
    });
  }

  it.skipIf(!hasTool('pvcreate'))('LVM physical volume by pvcreate', async () => {
    const { path } = lab.device(SIZE);
    // Without device-mapper and udev in the kernel pvcreate still writes its label.
    await tool('pvcreate', '-ff', '-y', '--config', `devices{use_devicesfile=0 filter=["a|^${path}$|","r|.*|"]}`, path);
    expect((await expectCaged(path, 'SIGNATURE')).fsType).toBe('LVM2_member');
  });
});

describe('made from its header', () => {
  const expected: Partial<Record<keyof typeof animals, ReasonCode>> = {
    gpt: 'PARTITION_TABLE',
    emptyGpt: 'PARTITION_TABLE',
    mbr: 'PARTITION_TABLE',
    protectiveMbr: 'PARTITION_TABLE',
    gptBackupOnly: 'RAW_HEADER',
    spdk: 'RAW_HEADER',
    stratis: 'RAW_HEADER',
  };

  it.each(Object.keys(animals) as (keyof typeof animals)[])('%s', async (name) => {
    const { path, file } = lab.device(SIZE);
    writePatches(file, animals[name](SIZE));
    await expectCaged(path, expected[name] ?? 'SIGNATURE');
  });

  it('random bytes in the first MiB', async () => {
    const { path, file } = lab.device(SIZE);
    writePatches(file, [{ offset: 700_000, data: Buffer.from('left over') }]);
    await expectCaged(path, 'DATA_PRESENT');
  });
});

describe('in use', () => {
  it('mounted', async () => {
    const { path } = lab.device(SIZE);
    await tool('mkfs.ext4', '-q', path);
    const target = lab.folder();
    mountFilesystem(path, target, 'ext4', []);
    expect((await expectCaged(path, 'MOUNTED')).mounts).toEqual([target]);
  });

  it('members of a btrfs of two, mounted by one of them', async () => {
    const [first, second] = [lab.device(SIZE).path, lab.device(SIZE).path];
    await tool('mkfs.btrfs', '-q', '-d', 'single', '-m', 'raid1', first, second);
    await expectCaged(second, 'SIGNATURE');
    const target = lab.folder();
    await tool('btrfs', 'device', 'scan', first, second);
    mountFilesystem(first, target, 'btrfs', []);
    expect((await expectCaged(second, 'MOUNTED')).mounts).toEqual([target]);
  });

  it('swapped on', async () => {
    const { path } = lab.device(SIZE);
    await tool('mkswap', path);
    await tool('swapon', path);
    try {
      await expectCaged(path, 'SWAP_ACTIVE');
    } finally {
      await tool('swapoff', path);
    }
  });

  it('opened exclusively by another process', async () => {
    const { path } = lab.device(SIZE);
    const script = `fs.openSync(${JSON.stringify(path)}, fs.constants.O_RDONLY | fs.constants.O_EXCL); console.log('open'); process.stdin.resume()`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      await expectCaged(path, 'OPENED_EXCLUSIVELY');
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    expect((await look([path]))[0]!.verdict).toBe('free');
  });

  it('held by a loop device', async () => {
    const { path } = lab.device(SIZE);
    const fd = openSync(path, 'r+');
    const upper = attachLoop(fd, { name: path, readOnly: false, directIo: false });
    closeSync(fd);
    try {
      await expectCaged(path, 'LOOP_BACKING');
    } finally {
      detachLoop(upper);
    }
  });

  it('with partitions', async () => {
    const { path, file } = lab.device(SIZE);
    writePatches(file, animals.gpt(SIZE));
    await tool('partx', '--add', path);
    try {
      expect((await expectCaged(path, 'HAS_PARTITIONS')).partitions).toEqual([`${path.slice(5)}p1`]);
      const [partition] = await look([`${path}p1`], { policy: { minLoopSizeBytes: 1n } });
      expect(partition).toMatchObject({ verdict: 'free', id: expect.stringMatching(/^partuuid-/) });
    } finally {
      await tool('partx', '--delete', path);
    }
  });
});

describe('of the wrong kind', () => {
  it('read-only', async () => {
    const { file } = lab.device(SIZE);
    const fd = openSync(file, 'r');
    const path = attachLoop(fd, { name: file, readOnly: true, directIo: false });
    closeSync(fd);
    await expectCaged(path, 'READ_ONLY');
  });

  it('too small', async () => {
    await expectCaged(lab.device(64 * 2 ** 20).path, 'TOO_SMALL');
  });

  it('the disk that this machine runs from, which is not written here', async () => {
    const disks = await createDisks({ policy: () => ({ nodeName: 'n1', knownPools: new Map() }) }).list();
    for (const disk of disks.filter(({ mounts }) => mounts.includes('/'))) {
      expect(disk.verdict).toBe('used');
      expect(disk.reasons.map(({ code }) => code)).toEqual(expect.arrayContaining(['MOUNTED', 'SYSTEM_DISK']));
    }
  });
});

describe('not known well enough', () => {
  // The kernel at hand may lack a device that fails to order, so the failure comes from the sources.
  const failing = (part: Partial<DiskSources>): DiskSources => ({ ...systemSources(), ...part });
  const eio = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });

  it('with an unreadable first sector', async () => {
    const { path } = lab.device(SIZE);
    const sources = failing({ readRange: () => Promise.reject(eio) });
    expect((await expectCaged(path, 'EDGE_UNREADABLE', { sources })).verdict).toBe('unknown');
  });

  it('without a blkid', async () => {
    const { path } = lab.device(SIZE);
    const sources = systemSources({ blkid: 'no-such-blkid' });
    expect((await expectCaged(path, 'CONTENT_UNKNOWN', { sources })).verdict).toBe('unknown');
  });

  it('with a blkid that never ends', async () => {
    const { path } = lab.device(SIZE);
    const script = `${lab.folder()}/blkid`;
    writeFileSync(script, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
    const sources = systemSources({ blkid: script, probeTimeoutMs: 200 });
    expect((await expectCaged(path, 'CONTENT_UNKNOWN', { sources })).verdict).toBe('unknown');
  });
});

describe('labels of others', () => {
  it.each(['a"b\'c', 'UUID=x RO=1', '100%', 'two\nlines', '\\x41', 'esc\u001b[2J', 'é ü'])(
    '%j is read as it is',
    async (label) => {
      const { path } = lab.device(SIZE);
      await tool('mkfs.ext4', '-q', '-L', label, path);
      const disk = await expectCaged(path, 'SIGNATURE');
      expect(disk).toMatchObject({ label, fsType: 'ext4' });
      expect(JSON.stringify(disk.reasons)).not.toContain('\u001b');
    },
  );
});

describe('pools', () => {
  it("of this node are ours, copied they are nobody's, and forgotten by their label they are known by their UUID", async () => {
    const { path, file } = lab.device(SIZE);
    await tool('mkfs.btrfs', '-q', '-U', POOL, '-L', poolLabel('n1', 'lab'), path);
    const [pool] = await look([path]);
    expect(pool).toMatchObject({ verdict: 'ours', pool: { uuid: POOL, node: 'n1', name: 'lab' } });

    const knownPools = new Map([[POOL, 'lab']]);
    expect((await look([path], { policy: { nodeName: 'renamed', knownPools } }))[0]!.verdict).toBe('ours');
    const foreign = await expectCaged(path, 'POOL_OF_OTHER_NODE', { policy: { nodeName: 'n2' } });
    expect(foreign.pool).toEqual({ uuid: POOL, node: 'n1', name: 'lab' });

    const copy = lab.device(SIZE);
    copyFileSync(file, copy.file);
    for (const disk of await look([path, copy.path])) {
      expect(disk.verdict).toBe('used');
      expect(disk.reasons.map(({ code }) => code)).toContain('IDENTITY_DUPLICATE');
    }
  });

  it('of images are ours by their UUID only', async () => {
    const { path } = lab.device(SIZE);
    await tool('mkfs.xfs', '-q', '-m', `uuid=${POOL}`, '-L', 'berth-pool', path);
    await expectCaged(path, 'POOL_UNOPENED');
    const [pool] = await look([path], { policy: { knownPools: new Map([[POOL, 'files']]) } });
    expect(pool).toMatchObject({ verdict: 'ours', pool: { uuid: POOL, name: 'files' } });
  });
});

describe('adoption', () => {
  const setUp = async () => {
    const { path, file } = lab.device(SIZE);
    const disks = createDisks({ policy: () => ({ nodeName: 'n1', knownPools: new Map() }) });
    const [disk] = await disks.resolve({ path, allowLoop: true });
    return { path, file, disks, disk: disk! };
  };

  it('holds an unchanged disk, until mkfs takes it over', async () => {
    const { path, disks, disk } = await setUp();
    const held = await disks.recheck(disk);
    await expect(tool('mkfs.btrfs', '-q', path)).rejects.toThrow();
    await held.close();
    await tool('mkfs.btrfs', '-q', path);
    await expect(disks.recheck(disk)).rejects.toMatchObject({ code: 'DISK_CHANGED' });
  });

  it('refuses a disk that got a byte, another size or another file since', async () => {
    const { file, disks, disk } = await setUp();
    writePatches(file, [{ offset: SIZE - 1, data: Buffer.from('x') }]);
    await expect(disks.recheck(disk)).rejects.toMatchObject({ code: 'DISK_CHANGED' });
    writePatches(file, [{ offset: SIZE - 1, data: Buffer.alloc(1) }]);
    await (await disks.recheck(disk)).close();
    await expect(disks.recheck(disk, 'of another listing')).rejects.toMatchObject({ code: 'DISK_CHANGED' });
  });

  it('refuses a disk that somebody took since', async () => {
    const { path, disks, disk } = await setUp();
    const held = await disks.recheck(disk);
    await expect(disks.recheck(disk)).rejects.toMatchObject({ code: 'DISK_IN_USE' });
    await held.close();
    await tool('mkfs.ext4', '-q', path);
    mountFilesystem(path, lab.folder(), 'ext4', []);
    await expect(disks.recheck(disk)).rejects.toMatchObject({ code: 'DISK_IN_USE' });
  });

  it('takes the digest that was explained, though the loop device was not allowed then', async () => {
    const { path, disks, disk } = await setUp();
    const explained = await disks.explain(path);
    expect(explained.verdict).toBe('used');
    expect(explained.digest).toBe(disk.digest);
    await (await disks.recheck(disk, explained.digest)).close();
  });

  it('refuses a disk that was not free, with its reasons', async () => {
    const { path, disks } = await setUp();
    await tool('mkfs.ext4', '-q', path);
    const [used] = await disks.resolve({ path, allowLoop: true });
    await expect(disks.recheck(used!)).rejects.toThrow(/SIGNATURE has ext4 on it/);
  });
});

describe('a recording of this machine', () => {
  it('gives the same disks when it is replayed elsewhere', async () => {
    const empty = lab.device(SIZE);
    const full = lab.device(SIZE);
    await tool('mkfs.ext4', '-q', full.path);
    const { sources, machine } = recordingSources(systemSources());
    const options = { loops: new Set([empty.path, full.path]) };
    const seen = (await collectDisks(sources, options)).filter(({ path }) => options.loops.has(path));
    const replayed = await collectDisks(recordedSources(JSON.parse(JSON.stringify(machine))), options);
    expect(replayed.filter(({ path }) => options.loops.has(path))).toEqual(seen);
  });
});
