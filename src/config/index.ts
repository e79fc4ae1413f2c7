export type { NodeOverrides } from './defaults.ts';
export {
  configJsonSchema,
  controllerJsonSchema,
  loadConfig,
  loadControllerConfig,
  parseConfig,
  parseControllerConfig,
} from './parse.ts';
export type { Config, ControllerConfig, DiskSelector, LogLevel, PoolConfig, Profile, Reserve } from './types.ts';
