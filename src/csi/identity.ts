import type { Handler, Handlers } from './compose.ts';
import { EXPANSIONS, PLUGIN_SERVICES } from './offers.ts';
import type { Empty } from './types.ts';

/** CSI 1.13 Identity. All of it works before the pools are open; until they are, Probe says so. */
export function createIdentity(plugin: { name: string; version: string; ready(): boolean }): Handlers {
  const getPluginInfo: Handler<Empty, object> = async () => ({
    name: plugin.name,
    vendor_version: plugin.version,
  });

  const getPluginCapabilities: Handler<Empty, object> = async () => ({
    capabilities: [
      ...PLUGIN_SERVICES.map((type) => ({ service: { type } })),
      ...EXPANSIONS.map((type) => ({ volume_expansion: { type } })),
    ],
  });

  const probe: Handler<Empty, object> = async () => ({ ready: { value: plugin.ready() } });

  return { GetPluginInfo: getPluginInfo, GetPluginCapabilities: getPluginCapabilities, Probe: probe };
}
