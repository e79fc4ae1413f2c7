import { ANONYMOUS, type Files, filesOf, type OpenFile, openCall, putfh } from '../../nfs/client/files.ts';
import { op, openSession } from '../../nfs/client/session.ts';
import { serveWork } from '../agent.ts';

/** NFSv4.1 clients of one server, in a process of their own. The same for Berth and for any other server. */
export type NfsLoadWork = ReturnType<typeof createNfsLoad>;

/** What is measured, in this order: what one leaves behind the next may need. */
export const nfsPatterns = [
  'write',
  'read',
  'randomRead',
  'randomWrite',
  'create',
  'stat',
  'lookup',
  'remove',
] as const;
export type NfsPattern = (typeof nfsPatterns)[number];

const IO_BYTES = 1 << 20;
const PAGE_BYTES = 4096;
const FILE_BYTES = 64 << 20;
/** Requests that each client has under way. */
const IN_FLIGHT = 8;
/** What Linux asks for with a file's attributes. */
const ATTRIBUTES = [0x0010011a, 0x00b0a23a];

function createNfsLoad() {
  let clients: { files: Files; folder: Buffer; file: OpenFile; made: string[] }[] = [];
  type Client = (typeof clients)[number];

  const randomPage = (): number => Math.floor((Math.random() * FILE_BYTES) / PAGE_BYTES) * PAGE_BYTES;
  const block = Buffer.alloc(IO_BYTES, 'berth');
  const page = block.subarray(0, PAGE_BYTES);
  const slots = FILE_BYTES / IO_BYTES;
  const getattr = op('GETATTR', { mask: ATTRIBUTES });

  const write = async ({ files, file }: Client, at: number, data: Buffer): Promise<void> => {
    const { count } = await files.write(file, at, data);
    if (count !== data.length) throw new Error(`${count} of ${data.length} bytes written`);
  };
  const read = async ({ files, file }: Client, at: number, count: number): Promise<void> => {
    const { data } = await files.read(file, at, count);
    if (data.length !== count) throw new Error(`${data.length} of ${count} bytes read`);
  };

  /** One piece of work; false when there is no more. */
  const works: Record<NfsPattern, (client: Client, index: number) => Promise<unknown> | false> = {
    write: (client, index) => write(client, (index % slots) * IO_BYTES, block),
    read: (client, index) => read(client, (index % slots) * IO_BYTES, IO_BYTES),
    randomRead: (client) => read(client, randomPage(), PAGE_BYTES),
    randomWrite: (client) => write(client, randomPage(), page),
    async create({ files: { session }, folder, made }, index) {
      const name = `new-${made.length}`;
      made.push(name);
      const open = openCall(session.clientId, name, { owner: `owner ${index}` });
      const answers = await session.compound([putfh(folder), open, op('GETFH', {}), getattr]);
      const { stateid } = answers.of('OPEN');
      await session.compound([putfh(answers.of('GETFH').handle), op('CLOSE', { seqid: 1, stateid })]);
    },
    stat: ({ files: { session }, file }) => session.compound([putfh(file.handle), getattr]),
    lookup: ({ files: { session }, folder, made }, index) =>
      session.compound([putfh(folder), op('LOOKUP', { name: made[index % made.length]! }), op('GETFH', {}), getattr]),
    remove({ files, folder, made }) {
      const name = made.pop();
      return name === undefined ? false : files.remove(folder, name);
    },
  };

  return {
    async connect({ port, count }: { port: number; count: number }): Promise<void> {
      clients = await Promise.all(
        Array.from({ length: count }, async (_, i) => {
          const files = filesOf(await openSession({ port }));
          const folder = await files.mkdir(await files.root('data'), `client-${i}`);
          const file = await files.open(folder, 'data');
          for (let at = 0; at < FILE_BYTES; at += IO_BYTES) await files.write(file, at, block);
          return { files, folder, file, made: [] };
        }),
      );
      for (const { files, file } of clients) await files.commit(file.handle);
    },
    /** All clients at once; pieces of work done in a second. */
    async run({ pattern, seconds }: { pattern: NfsPattern; seconds: number }): Promise<number> {
      const startedAt = performance.now();
      const isOver = (): boolean => performance.now() - startedAt >= seconds * 1000;
      let done = 0;
      const lane = async (client: Client, counter: { next: number }): Promise<void> => {
        while (!isOver()) {
          const work = works[pattern](client, counter.next++);
          if (work === false) return;
          await work;
          done += 1;
        }
      };
      await Promise.all(
        clients.flatMap((client) => {
          const counter = { next: 0 };
          return Array.from({ length: IN_FLIGHT }, () => lane(client, counter));
        }),
      );
      return done / ((performance.now() - startedAt) / 1000);
    },
    async disconnect(): Promise<void> {
      for (const [i, { files, folder, file, made }] of clients.entries()) {
        for (const name of made) await files.remove(folder, name);
        // A lease may be over after a long wait; what was open is closed then.
        await files.close(file).catch(() => files.read({ handle: file.handle, stateid: ANONYMOUS }, 0, 1));
        await files.remove(folder, 'data');
        await files.remove(await files.root('data'), `client-${i}`);
        await files.session.end();
      }
      clients = [];
    },
  };
}

if (import.meta.main) serveWork(createNfsLoad());
