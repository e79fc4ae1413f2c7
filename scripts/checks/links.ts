/** Fails when a link of a Markdown file names a file, or a heading of one, that is not there. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { trackedFiles } from './tracked-files.ts';

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const EXTERNAL = /^[a-z]+:/;

/** A heading's anchor, as code hosts make it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function hasAnchor(path: string, anchor: string): boolean {
  return readFileSync(path, 'utf8')
    .split('\n')
    .some((line) => /^#+ /.test(line) && anchorOf(line.replace(/^#+ /, '')) === anchor);
}

function isBroken(from: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? from : join(dirname(from), path);
  if (!existsSync(target)) return true;
  return anchor !== undefined && target.endsWith('.md') && !hasAnchor(target, anchor);
}

const broken = trackedFiles()
  .filter((path) => path.endsWith('.md') && existsSync(path))
  .flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(LINK)]
      .map((match) => match[1] ?? '')
      .filter((link) => !EXTERNAL.test(link) && isBroken(path, link))
      .map((link) => `${path}: ${link}`),
  );

for (const line of broken) console.log(line);
process.exitCode = broken.length > 0 ? 1 : 0;
