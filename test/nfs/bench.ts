/**
 * usage: node test/nfs/bench.ts PORT EXPORT [CLIENTS]: what an NFSv4.1 server does in a second, by this client, which
 * runs in a process of its own beside it. The same for this server and any other.
 */
import { ANONYMOUS, type Files, filesOf, openCall, putfh } from './client/files.ts';
import { op, openSession } from './client/session.ts';

const [port = '2049', exportName = 'data', clients = '1'] = process.argv.slice(2);
const IO_BYTES = 1 << 20;
const FILE_BYTES = 256 << 20;
const IN_FLIGHT = 8;
const SECONDS = 3;

const results: Record<string, string> = {};

/** Runs `one` from each client, so many at once, for a while or until it returns false. */
async function measure(
  label: string,
  unit: string,
  files: readonly Files[],
  width: number,
  one: (files: Files, i: number, client: number) => Promise<number | false>,
): Promise<void> {
  const start = performance.now();
  let total = 0;
  await Promise.all(
    files.map(async (its, client) => {
      let next = 0;
      const lane = async (): Promise<void> => {
        while (performance.now() - start < SECONDS * 1000) {
          const done = await one(its, next++, client);
          if (done === false) return;
          total += done;
        }
      };
      await Promise.all(Array.from({ length: width }, lane));
    }),
  );
  results[label] = `${(total / ((performance.now() - start) / 1000)).toFixed(0)} ${unit}`;
}

const all = await Promise.all(
  Array.from({ length: Number(clients) }, async () => filesOf(await openSession({ port: Number(port) }))),
);
const root = await all[0]!.root(exportName);
const folder = await all[0]!.mkdir(root, `bench-${process.pid}`, { mode: 0o755 });
const open = await Promise.all(all.map((files, i) => files.open(folder, `data-${i}`)));
const data = Buffer.alloc(IO_BYTES, 'berth');
const slots = FILE_BYTES / IO_BYTES;

await measure('write 1M', 'MB/s', all, IN_FLIGHT, async (files, i, client) => {
  await files.write(open[client]!, (i % slots) * IO_BYTES, data);
  return IO_BYTES / 1e6;
});
await Promise.all(all.map((files, i) => files.commit(open[i]!.handle)));
await measure('read 1M', 'MB/s', all, IN_FLIGHT, async (files, i, client) => {
  const { data: got } = await files.read(open[client]!, (i % 16) * IO_BYTES, IO_BYTES);
  return got.length / 1e6;
});
const random = (): number => Math.floor(Math.random() * 4096) * 4096;
await measure('random read 4k', 'op/s', all, IN_FLIGHT, async (files, _, client) => {
  await files.read(open[client]!, random(), 4096);
  return 1;
});
const page = data.subarray(0, 4096);
await measure('random write 4k', 'op/s', all, IN_FLIGHT, async (files, _, client) => {
  await files.write(open[client]!, random(), page);
  return 1;
});
await measure('stat by name', 'op/s', all, IN_FLIGHT, async ({ session }, _, client) => {
  const lookup = op('LOOKUP', { name: `data-${client}` });
  await session.compound([putfh(folder), lookup, op('GETFH', {}), op('GETATTR', { mask: [0x0010011a, 0x00b0a23a] })]);
  return 1;
});
await measure('stat', 'op/s', all, IN_FLIGHT, async ({ session }, _, client) => {
  await session.compound([putfh(open[client]!.handle), op('GETATTR', { mask: [0x0010011a, 0x00b0a23a] })]);
  return 1;
});
const made = all.map(() => 0);
await measure('create and close', 'op/s', all, IN_FLIGHT, async ({ session }, i, client) => {
  made[client] = Math.max(made[client]!, i + 1);
  const answers = await session.compound([
    putfh(folder),
    openCall(session.clientId, `new-${client}-${i}`, { owner: `o${i}` }),
    op('GETFH', {}),
    op('GETATTR', { mask: [0x0010011a, 0x00b0a23a] }),
  ]);
  const { stateid } = answers.of('OPEN');
  await session.compound([putfh(answers.of('GETFH').handle), op('CLOSE', { seqid: 1, stateid })]);
  return 1;
});
const listed = performance.now();
const names = await all[0]!.list(folder, 131_072);
results['list'] = `${(names.length / ((performance.now() - listed) / 1000)).toFixed(0)} names/s`;
await measure('remove', 'op/s', all, IN_FLIGHT, async (files, i, client) => {
  if (i >= made[client]!) return false;
  await files.remove(folder, `new-${client}-${i}`);
  return 1;
});
for (const name of await all[0]!.list(folder)) await all[0]!.remove(folder, name);
for (const [i, files] of all.entries()) {
  await files.close(open[i]!).catch(() => files.read({ handle: open[i]!.handle, stateid: ANONYMOUS }, 0, 1));
}
await all[0]!.remove(root, `bench-${process.pid}`);
for (const files of all) await files.session.end();
for (const [label, value] of Object.entries(results)) console.log(`${label.padEnd(18)} ${value}`);
