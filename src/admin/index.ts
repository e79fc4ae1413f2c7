export type { AdminBackend, AdoptDisk, DaemonStatus, DiskViews } from './backend.ts';
export type { CallRecord, Observe } from './handler.ts';
export { serveAdmin } from './server.ts';
