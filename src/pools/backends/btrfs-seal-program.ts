import type { KernelTypes } from '../../host/btf.ts';
import { CAP_SYS_ADMIN } from '../../host/capabilities.ts';

/** What the program must know of the kernel. */
export const sealedMembers = [
  'file.f_inode',
  'inode.i_sb',
  'super_block.s_uuid',
  'task_struct.cred',
  'cred.user_ns',
  'cred.cap_effective',
  'user_namespace.level',
];

// include/uapi/linux/btrfs.h: SNAP_CREATE, SUBVOL_CREATE, SNAP_CREATE_V2, SUBVOL_CREATE_V2
const CREATING = [0x50009401, 0x5000940e, 0x50009417, 0x50009418];
const EPERM = 1;
/** bpf_get_current_task_btf */
const CURRENT_TASK = 158;

// Instructions of the eBPF standard (RFC 9669). Registers: 0 result, 1 to 5 scratch, 6 kept over calls.
const LOAD_64 = 0x79;
const LOAD_32 = 0x61;
const LOAD_CONSTANT = 0x18;
const MOVE = 0xbf;
const MOVE_CONSTANT = 0xb7;
const CALL = 0x85;
const EXIT = 0x95;
const JUMP = 0x05;
const IF_EQUAL_32 = 0x16;
const IF_DIFFERENT = 0x5d;
const IF_NOT = 0x55;
const IF_BIT = 0x45;

/**
 * A program for the hook `file_ioctl(file, command, argument)` that lets nobody make a subvolume on the file system
 * `uuid` but who may administer the machine itself:
 *
 *     if (command makes no subvolume) allow
 *     if (file->f_inode->i_sb->s_uuid != uuid) allow
 *     cred = current->cred
 *     if (cred->user_ns->level == 0 && cred->cap_effective has CAP_SYS_ADMIN) allow
 *     else return -EPERM
 */
export function sealProgram(uuid: string, { offsets }: KernelTypes): Buffer {
  const id = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  const offset = (member: string): number => {
    const found = offsets.get(member);
    if (found === undefined) throw new Error(`the kernel has no ${member}`);
    return found;
  };
  const code = assembler();
  const { emit, jump, label } = code;

  emit(MOVE, 6, 1);
  emit(LOAD_64, 2, 6, 8);
  for (const command of CREATING) jump(IF_EQUAL_32, 'creates', 2, 0, command);
  jump(JUMP, 'allow');
  label('creates');
  emit(LOAD_64, 1, 6, 0);
  emit(LOAD_64, 1, 1, offset('file.f_inode'));
  emit(LOAD_64, 1, 1, offset('inode.i_sb'));
  for (const half of [0, 8]) {
    emit(LOAD_64, 2, 1, offset('super_block.s_uuid') + half);
    emit(LOAD_CONSTANT, 3, 0, 0, id.readInt32LE(half));
    emit(0, 0, 0, 0, id.readInt32LE(half + 4));
    jump(IF_DIFFERENT, 'allow', 2, 3);
  }
  emit(CALL, 0, 0, 0, CURRENT_TASK);
  emit(LOAD_64, 1, 0, offset('task_struct.cred'));
  emit(LOAD_64, 2, 1, offset('cred.user_ns'));
  emit(LOAD_32, 2, 2, offset('user_namespace.level'));
  jump(IF_NOT, 'deny', 2, 0, 0);
  emit(LOAD_32, 3, 1, offset('cred.cap_effective'));
  jump(IF_BIT, 'allow', 3, 0, 1 << CAP_SYS_ADMIN);
  label('deny');
  emit(MOVE_CONSTANT, 0, 0, 0, -EPERM);
  emit(EXIT);
  label('allow');
  emit(MOVE_CONSTANT, 0, 0, 0, 0);
  emit(EXIT);
  return code.assemble();
}

function assembler() {
  const instructions: Buffer[] = [];
  const labels = new Map<string, number>();
  const jumps: { at: number; to: string }[] = [];
  const emit = (opcode: number, target = 0, source = 0, offset = 0, constant = 0): void => {
    const instruction = Buffer.alloc(8);
    instruction.writeUInt8(opcode, 0);
    instruction.writeUInt8(target | (source << 4), 1);
    instruction.writeInt16LE(offset, 2);
    instruction.writeInt32LE(constant, 4);
    instructions.push(instruction);
  };
  return {
    emit,
    jump(opcode: number, to: string, target = 0, source = 0, constant = 0): void {
      jumps.push({ at: instructions.length, to });
      emit(opcode, target, source, 0, constant);
    },
    label: (name: string): void => void labels.set(name, instructions.length),
    assemble(): Buffer {
      for (const { at, to } of jumps) instructions[at]!.writeInt16LE(labels.get(to)! - at - 1, 2);
      return Buffer.concat(instructions);
    },
  };
}
