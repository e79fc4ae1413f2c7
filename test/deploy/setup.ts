import { ensureHelm } from '../helpers/helm.ts';
import { ensureDecoder } from './objects/decode.ts';

/** Builds what is not in the cache before the first test, whose time does not suffice for it. */
export async function setup(): Promise<void> {
  await ensureHelm();
  await ensureDecoder();
}
