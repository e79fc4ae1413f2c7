export { configJsonSchema, loadConfig, parseConfig } from './parse.ts';
export type { Config, DiskSelector, LogLevel, PoolConfig, Profile, Reserve } from './types.ts';
