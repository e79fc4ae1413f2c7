export type { Clock, NfsLimits } from './options.ts';
export { type NfsCounters, type NfsLog, type NfsOptions, type NfsServer, serveNfs } from './server.ts';
