import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { NFS4 } from '../../src/nfs/protocol/status.ts';
import { openLoopLab } from '../helpers/loop.ts';
import { type Harness, startHarness, statusOf } from '../nfs/harness.ts';

const MIB = 1 << 20;
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** A server on an ext4 whose disk, a sparse file of 64 MiB, fails once 16 MiB of it are used. */
async function startOnFailingDisk(): Promise<Harness> {
  const small = mkdtempSync(join(tmpdir(), 'berth-small-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', small]);
  cleanups.push(() => {
    execFileSync('umount', [small]);
    rmdirSync(small);
  });
  const lab = openLoopLab({ parentDir: small });
  cleanups.push(() => lab.dispose());
  const harness = await startHarness({}, await lab.filesystem('ext4', 64 * MIB));
  cleanups.push(() => harness.close());
  return harness;
}

it('says when written data did not reach the disk, and has everybody write again', async () => {
  const harness = await startOnFailingDisk();
  const files = await harness.files();
  const root = await files.root('data');
  const good = await files.open(root, 'good');
  const { verifier } = await files.write(good, 0, Buffer.alloc(4096, 'x'));
  expect(await files.commit(good.handle)).toEqual(verifier);

  const lost = await files.open(root, 'lost');
  for (let at = 0; at < 32 * MIB; at += MIB) {
    expect((await files.write(lost, at, Buffer.alloc(MIB, 'y'))).verifier).toEqual(verifier);
  }
  // The loop device passes on what the file behind it said.
  expect(await statusOf(files.commit(lost.handle))).toBe(NFS4.ERR_NOSPC);
  expect(await files.commit(good.handle)).not.toEqual(verifier);
});
