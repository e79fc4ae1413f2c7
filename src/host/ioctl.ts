import { libcIoctl, libcIoctlNumber } from './libc.ts';

// The encoding of request numbers in asm-generic/ioctl.h.
const WRITE = 1;
const READ = 2;
const encode = (direction: number, type: number, number: number, size: number): number =>
  ((direction << 30) | (size << 16) | (type << 8) | number) >>> 0;

/** A request without an argument structure. */
export const io = (type: number, number: number): number => encode(0, type, number, 0);
/** A request whose argument the kernel fills in. */
export const ior = (type: number, number: number, size: number): number => encode(READ, type, number, size);
/** A request whose argument the kernel reads. */
export const iow = (type: number, number: number, size: number): number => encode(WRITE, type, number, size);
/** A request whose argument goes both ways. */
export const iowr = (type: number, number: number, size: number): number => encode(READ | WRITE, type, number, size);

/** ioctl(2) with a buffer, or with a plain number where the request wants one. Throws SystemError. */
export function ioctl(fd: number, request: number, argument: Buffer | number = 0, subject = ''): number {
  return typeof argument === 'number'
    ? libcIoctlNumber(subject, fd, request, argument)
    : libcIoctl(subject, fd, request, argument);
}
