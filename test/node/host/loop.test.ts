import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isReadOnlyDevice, setReadOnlyDevice, withDevice } from '../../../src/host/block.ts';
import { attachLoop, detachLoop } from '../../../src/host/loop.ts';
import { until } from '../../helpers/until.ts';

const MIB = 1 << 20;

let dir: string;
let fd: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'berth-loop-test-'));
  const file = join(dir, 'file');
  writeFileSync(file, '');
  truncateSync(file, MIB);
  fd = openSync(file, 'r+');
});
afterEach(() => {
  closeSync(fd);
  rmSync(dir, { recursive: true });
});

const attach = (): string => attachLoop(fd, { name: 'test', readOnly: false, directIo: false });

test('a device that was left read-only can be written to by the next who gets it', async () => {
  let isSame = false;
  // Others may take the device between the two.
  await until('the same device is given out again', () => {
    const first = attach();
    detachLoop(first);
    withDevice(first, (device) => setReadOnlyDevice(device, true));
    const second = attach();
    try {
      expect(withDevice(second, isReadOnlyDevice)).toBe(false);
      isSame = second === first;
      return isSame;
    } finally {
      detachLoop(second);
      if (!isSame) withDevice(first, (device) => setReadOnlyDevice(device, false));
    }
  });
});
