import { existsSync } from 'node:fs';
import fc from 'fast-check';
import type * as protobuf from 'protobufjs';
import { Enum, MapField } from '../descriptor/ours.ts';
import { hostileInt32, hostileInt64, hostileKeys, hostileStrings, type Known, sane, saneNumbers } from './values.ts';

/** How often, of 100 values, one is hostile, and how often a field is left out. */
interface Mood {
  hostile: number;
  absent: number;
}

/** Mild messages get past the checks and do something; wild ones try what the checks are for. */
const MILD: Mood = { hostile: 2, absent: 2 };
const WILD: Mood = { hostile: 50, absent: 20 };

type Message = Record<string, unknown>;

/** Objects for protobufjs' fromObject: every field may be sane, absent, empty, huge or out of its range. */
export function messages(type: protobuf.Type, known: Known): fc.Arbitrary<Message> {
  return fc.oneof(message(type, known, MILD), message(type, known, WILD));
}

function message(type: protobuf.Type, known: Known, mood: Mood): fc.Arbitrary<Message> {
  const plain = type.fieldsArray.filter((field) => !field.partOf);
  const parts = [
    ...plain.map((field) => sometimesAbsent(only(field, known, mood), mood)),
    ...type.oneofsArray.map(({ fieldsArray }) =>
      sometimesAbsent(fc.oneof(...fieldsArray.map((field) => only(field, known, mood))), mood),
    ),
  ];
  return fc.tuple(...parts).map((objects) => Object.assign({}, ...objects));
}

const sometimesAbsent = (arbitrary: fc.Arbitrary<Message>, { absent }: Mood): fc.Arbitrary<Message> =>
  fc.oneof({ weight: absent, arbitrary: fc.constant({}) }, { weight: 100 - absent, arbitrary });

const only = (field: protobuf.Field, known: Known, mood: Mood): fc.Arbitrary<Message> =>
  values(field, known, mood).map((value) => ({ [field.name]: value }));

function values(field: protobuf.Field, known: Known, mood: Mood): fc.Arbitrary<unknown> {
  if (field instanceof MapField) return maps(field, known, mood);
  if (!field.repeated) return single(field, known, mood);
  return fc.uniqueArray(single(field, known, mood), { maxLength: mood === MILD ? 1 : 3 });
}

function maps(field: protobuf.Field, known: Known, mood: Mood): fc.Arbitrary<Record<string, string>> {
  const hostile = fc.dictionary(hostileKeys, strings(field.name, known, mood), { maxKeys: 4 });
  return either(mood, fc.constantFrom(...sane(field.name, known).map((text) => JSON.parse(text))), hostile);
}

function single(field: protobuf.Field, known: Known, mood: Mood): fc.Arbitrary<unknown> {
  const resolved = field.resolvedType;
  if (resolved instanceof Enum) {
    const numbers = Object.values(resolved.values);
    return either(mood, fc.constantFrom(...numbers.filter((number) => number > 0)), fc.constantFrom(0, 99, -1));
  }
  if (resolved) return message(resolved as protobuf.Type, known, mood);
  if (field.type === 'bool') return fc.boolean();
  if (field.type === 'int32') return either(mood, fc.constantFrom(0, 1, 2), hostileInt32);
  if (field.type === 'int64') return either(mood, fc.constantFrom(...saneNumbers(field.name)), hostileInt64);
  return strings(field.name, known, mood);
}

const strings = (name: string, known: Known, mood: Mood): fc.Arbitrary<string> =>
  either(mood, fc.constantFrom(...sane(name, known)), hostileStrings.filter(isHarmless));

/** A path that is made up must not be one of this machine. */
const isHarmless = (text: string): boolean => text === '/' || !text.startsWith('/') || !existsSync(text);

function either<T>({ hostile }: Mood, good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 100 - hostile, arbitrary: good }, { weight: hostile, arbitrary: bad });
}
