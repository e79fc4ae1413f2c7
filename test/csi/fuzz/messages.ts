import { existsSync } from 'node:fs';
import fc from 'fast-check';
import type * as protobuf from 'protobufjs';
import { Enum, MapField } from '../descriptor/ours.ts';

/** Values that get past the first checks, by the field that they are for. */
export interface Known {
  /** Ids of volumes, snapshots and groups that exist. */
  ids: readonly string[];
  /** The one folder in which generated paths may exist. */
  workDir: string;
}

const HOSTILE = [
  '',
  '\0',
  'a\0b',
  '..',
  '../../etc/passwd',
  '/',
  'a/b',
  '__proto__',
  '%s%n',
  '\u202e',
  '🚢'.repeat(33),
];
const INT64 = ['0', '1', '-1', '4096', '1048576', '9223372036854775807', '-9223372036854775808'];
const INT32 = [0, 1, 2, -1, 2 ** 31 - 1, -(2 ** 31)];

/** Generates objects for `protobufjs`' fromObject: every field may be absent, empty, huge or out of its range. */
export function messages(type: protobuf.Type, known: Known): fc.Arbitrary<Record<string, unknown>> {
  const oneofs = type.oneofsArray.map((oneof) => oneof.fieldsArray);
  const plain = type.fieldsArray.filter((field) => !field.partOf);
  const parts = [
    ...plain.map((field) => optional(field, known)),
    ...oneofs.map((fields) => fc.oneof(fc.constant({}), ...fields.map((field) => only(field, known)))),
  ];
  return fc.tuple(...parts).map((objects) => Object.assign({}, ...objects));
}

const optional = (field: protobuf.Field, known: Known): fc.Arbitrary<object> =>
  fc.oneof({ weight: 1, arbitrary: fc.constant({}) }, { weight: 4, arbitrary: only(field, known) });

const only = (field: protobuf.Field, known: Known): fc.Arbitrary<object> =>
  values(field, known).map((value) => ({ [field.name]: value }));

function values(field: protobuf.Field, known: Known): fc.Arbitrary<unknown> {
  if (field instanceof MapField) return fc.dictionary(keys(), strings(field, known), { maxKeys: 4 });
  return field.repeated ? fc.array(single(field, known), { maxLength: 3 }) : single(field, known);
}

function single(field: protobuf.Field, known: Known): fc.Arbitrary<unknown> {
  const resolved = field.resolvedType;
  if (resolved instanceof Enum) {
    return fc.oneof(fc.constantFrom(...Object.values(resolved.values)), fc.constantFrom(99, -1, 2 ** 31 - 1));
  }
  if (resolved) return messages(resolved as protobuf.Type, known);
  if (field.type === 'bool') return fc.boolean();
  if (field.type === 'int32') return fc.constantFrom(...INT32);
  if (field.type === 'int64') return fc.constantFrom(...INT64);
  return strings(field, known);
}

function strings(field: protobuf.Field, known: Known): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...plausible(field.name, known)) },
    { weight: 2, arbitrary: fc.constantFrom(...HOSTILE) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }).filter(isHarmless) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 4000, maxLength: 6000 }).filter(isHarmless) },
  );
}

/** A path that is made up must not be one of this machine. */
const isHarmless = (text: string): boolean => !text.startsWith('/') || !existsSync(text);

function plausible(name: string, { ids, workDir }: Known): readonly string[] {
  if (name.endsWith('_path')) {
    return [`${workDir}/target`, `${workDir}/staging`, `${workDir}/../staging`, `${workDir}//target/`, 'some/path'];
  }
  if (name.endsWith('_id') || name.endsWith('_ids')) return ids;
  if (name === 'fs_type') return ['ext4', 'xfs', 'btrfs', 'ntfs'];
  if (name === 'mount_flags') return ['ro', 'noatime', 'commit=5', 'context="a:b:c:d"', 'suid', 'password=secret'];
  if (name === 'volume_mount_group') return ['1000', '0', '-1', '4294967295'];
  return ['name', 'true', 'false', 'n1'];
}

const keys = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom('thin', 'nodatacow', 'poolClass', 'berth.dev/x', 'csi.storage.k8s.io/fstype', 'constructor', ''),
    fc.constantFrom('topology.berth.dev/node', 'TOPOLOGY.berth.dev/zone', '__proto__'),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
