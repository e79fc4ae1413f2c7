import { afterEach, expect, it, vi } from 'vitest';
import { readDiskFacts } from '../../src/disks/facts.ts';

const diskLayout = vi.hoisted(() => vi.fn());
vi.mock('systeminformation', () => ({ diskLayout }));
afterEach(() => void diskLayout.mockReset());

it('facts are by path, and what the library leaves empty is absent', async () => {
  const disk = {
    device: '/dev/sda',
    name: 'Disk',
    vendor: '',
    interfaceType: 'SATA',
    firmwareRevision: '1',
    temperature: null,
  };
  diskLayout.mockResolvedValue([{ ...disk, smartStatus: 'Ok' }]);
  expect(await readDiskFacts()).toEqual(
    new Map([['/dev/sda', { model: 'Disk', interface: 'SATA', firmware: '1', health: 'Ok' }]]),
  );
});

it('facts that cannot be had, or not in time, are absent', async () => {
  diskLayout.mockRejectedValueOnce(new Error('lsblk: not found'));
  expect(await readDiskFacts()).toEqual(new Map());
  diskLayout.mockReturnValueOnce(new Promise(() => {}));
  expect(await readDiskFacts({ timeoutMs: 1 })).toEqual(new Map());
});
