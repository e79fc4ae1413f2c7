import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readKernelTypes } from '../../src/host/btf.ts';
import { sealedMembers, sealProgram } from '../../src/pools/backends/btrfs-seal-program.ts';

const UUID = '00112233-4455-6677-8899-aabbccddeeff';

test.skipIf(!existsSync('/sys/kernel/btf/vmlinux'))('finds what the seal needs in the running kernel’s types', () => {
  const types = readKernelTypes({
    functions: ['vfs_read', 'no_such_function'],
    members: [...sealedMembers, 'file.none'],
  });
  expect([...types.functions.keys()]).toEqual(['vfs_read']);
  expect([...types.offsets.keys()].sort()).toEqual([...sealedMembers].sort());
  for (const offset of types.offsets.values()) expect(Number.isInteger(offset)).toBe(true);
  expect(sealProgram(UUID, types).length % 8).toBe(0);
});

test('the program compares with the file system’s own UUID, and jumps only within itself', () => {
  const types = { functions: new Map(), offsets: new Map(sealedMembers.map((member) => [member, 8])) };
  const program = sealProgram(UUID, types);
  const words = Array.from({ length: program.length / 8 }, (_, index) => program.subarray(index * 8, index * 8 + 8));
  const constants = words.filter((word) => word[0] === 0x18 || word[0] === 0).map((word) => word.toString('hex', 4));
  expect(constants.join('')).toBe(UUID.replaceAll('-', ''));
  for (const [index, word] of words.entries()) {
    const isJump = [0x05, 0x16, 0x5d, 0x55, 0x45].includes(word[0]!);
    if (isJump) expect(words[index + 1 + word.readInt16LE(2)]).toBeDefined();
  }
});

test('a kernel without one of them is told by name', () => {
  expect(() => sealProgram(UUID, { functions: new Map(), offsets: new Map() })).toThrow('file.f_inode');
});
