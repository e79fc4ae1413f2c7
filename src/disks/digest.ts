import { createHash } from 'node:crypto';
import type { DiskSnapshot } from './snapshot.ts';

/** SHA-256 in hex over every fact of the snapshot, in the order in which `collectDisks` lays them down. */
export function digestOf(snapshot: DiskSnapshot): string {
  const { loop } = snapshot;
  const plain = {
    ...snapshot,
    sizeBytes: String(snapshot.sizeBytes),
    loop: loop && { ...loop, offsetBytes: String(loop.offsetBytes) },
  };
  return createHash('sha256').update(JSON.stringify(plain)).digest('hex');
}
