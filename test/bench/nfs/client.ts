import { setTimeout as delay } from 'node:timers/promises';
import { type Files, filesOf, type OpenFile } from '../../nfs/client/files.ts';
import { openSession } from '../../nfs/client/session.ts';
import { serveWork } from '../agent.ts';

/** One client that does one thing after the other, in a process of its own. */
export type ClientWork = ReturnType<typeof createClient>;

const FILE_BYTES = 1 << 20;
const page = Buffer.alloc(4096, 'berth');
const PAUSE_MS = 1;

function createClient() {
  let files: Files;
  let root: Buffer;
  let file: OpenFile;
  return {
    /** The handle of a file of 1 MiB. */
    async connect({ port }: { port: number }): Promise<Uint8Array> {
      files = filesOf(await openSession({ port }));
      root = await files.root('data');
      file = await files.open(root, 'file');
      await files.write(file, 0, Buffer.alloc(FILE_BYTES));
      return file.handle;
    },
    /** The time that a write, a read and a stat take together, in ms, again and again. */
    async work({ seconds }: { seconds: number }): Promise<number[]> {
      const times: number[] = [];
      const until = performance.now() + seconds * 1000;
      for (let at = 0; performance.now() < until; at = (at + page.length) % FILE_BYTES) {
        const startedAt = performance.now();
        await files.write(file, at, page);
        await files.read(file, at, page.length);
        await files.getattr(root, 'type');
        times.push(performance.now() - startedAt);
        await delay(PAUSE_MS);
      }
      return times;
    },
  };
}

if (import.meta.main) serveWork(createClient());
