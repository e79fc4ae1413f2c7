import type { BerthError } from '../errors.ts';
import { requestOne } from './request.ts';

/** Reads of the cluster that may be refused: the rest is shown all the same, and the refusals are told. */
export interface Reader {
  /** Undefined when it could not be read, or is not there. */
  read<T>(what: string, asked: Promise<T>): Promise<T | undefined>;
  /** What could not be read, and why. */
  readonly unread: string[];
}

export function createReader(): Reader {
  const unread: string[] = [];
  return {
    unread,
    async read(what, asked) {
      try {
        return await requestOne(`read ${what}`, asked);
      } catch (error) {
        unread.push(`${what}: ${(error as BerthError).details['problem']}`);
        return undefined;
      }
    },
  };
}
