import type { VolumeService } from '../volumes/model.ts';
import type { LocalTopology } from './topology.ts';

/** What the services are made of. */
export interface Context {
  service: VolumeService;
  nodeName: string;
  local: LocalTopology;
  /** Where inline volumes are staged. */
  inlineDir: string;
}
