import { parseProperties } from './properties.ts';
import type { Content } from './snapshot.ts';

/** How a run of `blkid -p -o udev` ended. */
export interface ProbeOutput {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** blkid(8), "EXIT STATUS". */
const FOUND = 0;
const NOTHING = 2;
const AMBIVALENT = 8;

/**
 * Reads blkid's answer. It gives 2 both for an empty device and for one that it could not open, so only silence with
 * the 2 is `empty`. About an empty partition it gives 0 and that partition's entry in the table.
 */
export function readProbe({ exitCode, stdout, stderr }: ProbeOutput): Content {
  const complaint = oneLine(stderr);
  if (exitCode === AMBIVALENT) return { state: 'ambivalent' };
  if (exitCode === NOTHING && complaint === '' && stdout.trim() === '') return { state: 'empty', tags: {} };
  if (exitCode !== FOUND || complaint !== '') {
    return { state: 'unknown', problem: `blkid ended with ${exitCode}${complaint && `: ${complaint}`}` };
  }
  const { tags, rejected } = parseProperties(stdout);
  const keys = Object.keys(tags);
  if (rejected.length > 0) return { state: 'unknown', problem: `blkid said ${oneLine(rejected[0]!)}` };
  if (keys.length === 0) return { state: 'unknown', problem: 'blkid said that it found something, and not what' };
  return { state: keys.every((key) => key.startsWith('ID_PART_ENTRY_')) ? 'empty' : 'found', tags };
}

const oneLine = (text: string): string => text.trim().replace(/\s+/g, ' ').slice(0, 200);
