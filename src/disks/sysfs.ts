import type { DiskSources } from './sources.ts';

export type Read = (file: string) => string | undefined;

/** The files of one device in sysfs, their text without the closing newline. */
export interface Attributes {
  /** Must be readable where it exists. */
  fact: Read;
  /** Drivers answer with an error where the device does not know. */
  detail: Read;
  /** Must exist and look like this. */
  required(file: string, pattern: RegExp): string | undefined;
  /** What a folder holds. */
  names(file: string): string[];
}

export function readAttributes(sources: DiskSources, folder: string, problems: string[]): Attributes {
  const attempt = <T>(file: string, read: (path: string) => T, failed?: (problem: string) => void): T | undefined => {
    try {
      return read(`${folder}/${file}`);
    } catch (error) {
      failed?.(`sysfs ${file}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const note = (problem: string): void => void problems.push(problem);
  const text = (path: string): string | undefined => sources.readText('sys', path)?.trim();
  const fact: Read = (file) => attempt(file, text, note);
  return {
    fact,
    detail: (file) => attempt(file, text),
    required(file, pattern) {
      const value = fact(file);
      if (value !== undefined && pattern.test(value)) return value;
      note(`sysfs ${file} ${value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`}`);
      return undefined;
    },
    names: (file) => (attempt(file, (path) => sources.list('sys', path), note) ?? []).sort(),
  };
}
