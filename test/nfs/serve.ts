/**
 * usage: node test/nfs/serve.ts PORT DIR STATE-DIR: exports DIR as /data on the loopback, until it is ended. Prints the
 * port; 0 takes a free one. For tests that kill it, and for the benchmark.
 */
import { mkdirSync } from 'node:fs';
import { boundHeapGrowth } from '../../src/host/garbage.ts';
import { serveNfs } from '../../src/nfs/index.ts';
import { createLogger } from '../../src/observe/index.ts';

const [port = '0', dir = 'data', stateDir = 'state'] = process.argv.slice(2);
/** Short, so that clients of a killed server are soon done with what they held. */
const LEASE_MS = 10_000;

boundHeapGrowth();
mkdirSync(dir, { recursive: true });
const server = await serveNfs({
  stateDir,
  listen: { host: '127.0.0.1', port: Number(port) },
  log: createLogger({ level: 'warn' }),
  leaseMs: LEASE_MS,
});
await server.addExport('data', dir, '5f0c8f0e-1c1d-4b7e-9d0a-7f3b2a6c4e11');
console.log(server.port);
