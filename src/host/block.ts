import { closeSync, constants, openSync } from 'node:fs';
import { io, ioctl, ior } from './ioctl.ts';

// include/uapi/linux/fs.h
const GET_SIZE = ior(0x12, 114, 8);
const SET_READ_ONLY = io(0x12, 93);
const GET_READ_ONLY = io(0x12, 94);
const LOGICAL_SECTOR = io(0x12, 104);
const DISCARD = io(0x12, 119);
const PHYSICAL_SECTOR = io(0x12, 123);
const REREAD_PARTITIONS = io(0x12, 95);

/** Runs `use` with the device open for reading. */
export function withDevice<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Size of the block device open as `fd`, in bytes. */
export function blockSize(fd: number): bigint {
  const size = Buffer.alloc(8);
  ioctl(fd, GET_SIZE, size, 'block device size');
  return size.readBigUInt64LE(0);
}

export function sectorSizes(fd: number): { logicalBytes: number; physicalBytes: number } {
  const logical = Buffer.alloc(4);
  const physical = Buffer.alloc(4);
  ioctl(fd, LOGICAL_SECTOR, logical, 'logical sector size');
  ioctl(fd, PHYSICAL_SECTOR, physical, 'physical sector size');
  return { logicalBytes: logical.readInt32LE(0), physicalBytes: physical.readUInt32LE(0) };
}

/** Tells the device that a range is not needed; what it reads as afterwards is up to the device. */
export function discard(fd: number, offsetBytes: bigint, lengthBytes: bigint): void {
  const range = Buffer.alloc(16);
  range.writeBigUInt64LE(offsetBytes, 0);
  range.writeBigUInt64LE(lengthBytes, 8);
  ioctl(fd, DISCARD, range, 'discard');
}

/** Whether the block device open as `fd` refuses to be opened for writing. */
export function isReadOnlyDevice(fd: number): boolean {
  const flag = Buffer.alloc(4);
  ioctl(fd, GET_READ_ONLY, flag, 'read-only flag');
  return flag.readInt32LE(0) !== 0;
}

/** Holds for everyone who opens the device from now on; what is open for writing already goes on. */
export function setReadOnlyDevice(fd: number, readOnly: boolean): void {
  const flag = Buffer.alloc(4);
  flag.writeInt32LE(readOnly ? 1 : 0, 0);
  ioctl(fd, SET_READ_ONLY, flag, 'read-only flag');
}

export function rereadPartitions(fd: number): void {
  ioctl(fd, REREAD_PARTITIONS, 0, 'reread partitions');
}
