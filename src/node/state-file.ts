import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ZodType } from 'zod';
import { BerthError } from '../errors.ts';
import { errorCode } from '../host/libc.ts';

/** Reads a JSON file of the state folder; undefined where there is none. Throws STATE_FILE_DAMAGED. */
export function readStateFile<T>(path: string, schema: ZodType<T>): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new BerthError('STATE_FILE_DAMAGED', { file: path }, { cause });
  }
}

/** The file is whole with the old content or with the new one, also after a power cut. */
export function writeStateFile(path: string, value: unknown): void {
  const temporary = `${path}.new`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeSync(fd, JSON.stringify(value, null, 2));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
