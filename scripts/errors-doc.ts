/** Writes docs/errors.md from the catalogue in src/errors.ts; with --check it only compares. */
import { readFileSync, writeFileSync } from 'node:fs';
import { catalogue } from '../src/errors.ts';

const FILE = new URL('../docs/errors.md', import.meta.url);

const INTRODUCTION = `# Errors

<!-- Made by scripts/errors-doc.ts from src/errors.ts: change that, then run \`npm run docs\`. -->

Whatever Berth refuses or fails has one of these codes. A code never changes its meaning. It is in the message that the
caller sees, in the log line of the call, and in the output of the command line. The status is that of gRPC.
`;

function entry(
  code: string,
  { status, template, remedy }: { status: string; template: string; remedy: string },
): string {
  const message = template
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');
  return `## ${code}\n\n\`${status}\`\n\n${message}\n\n${remedy}\n`;
}

const text = [INTRODUCTION, ...Object.entries(catalogue).map(([code, error]) => entry(code, error))].join('\n');

if (process.argv.includes('--check')) {
  const current = readFileSync(FILE, 'utf8');
  if (current !== text) {
    console.log('docs/errors.md does not match src/errors.ts: run `npm run docs`');
    process.exitCode = 1;
  }
} else {
  writeFileSync(FILE, text);
}
