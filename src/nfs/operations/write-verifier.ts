import { randomBytes } from 'node:crypto';
import { VERIFIER_BYTES } from '../protocol/types.ts';

/**
 * The verifier of WRITE and COMMIT: one for each run of the server, and another one after a failed flush, since the
 * kernel forgets what it could not write. A client that sees it change sends unstable data again, RFC 8881 18.32.
 */
export interface WriteVerifier {
  readonly value: Buffer;
  change(): void;
}

export function createWriteVerifier(): WriteVerifier {
  let value = randomBytes(VERIFIER_BYTES);
  return {
    get value() {
      return value;
    },
    change() {
      value = randomBytes(VERIFIER_BYTES);
    },
  };
}
