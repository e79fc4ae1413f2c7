/** Fails when a file names a path of the machine that it was written on, or the host of a package registry. */
import { existsSync, readFileSync } from 'node:fs';
import { trackedFiles } from './tracked-files.ts';

// A letter in brackets, so that this file does not match itself.
const FORBIDDEN = [
  /(?<![\w.-])\/[w]ork\//,
  /(?<![\w.-])\/[r]oot\//,
  /[r]egistry\.npmjs/,
  /[p]roxy\.golang/,
  /[d]eb\.debian\.org/,
  /[p]ypi\.org/,
];

const found = trackedFiles()
  .filter((path) => existsSync(path))
  .flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        FORBIDDEN.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}: ${line.trim().slice(0, 160)}`] : [],
      ),
  );

for (const line of found) console.log(line);
process.exitCode = found.length > 0 ? 1 : 0;
