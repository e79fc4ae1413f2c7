import { lookup } from 'node:dns/promises';
import { urlHost } from '../host/url-host.ts';
import { keepLink, type Link, type LinkOptions } from './link.ts';

export interface FleetOptions extends Omit<LinkOptions, 'address' | 'serverName'> {
  /** Where the controllers are: a name with one address or several, all of which are kept linked. */
  controller: { host: string; port: number };
  resolve?: (host: string) => Promise<string[]>;
}

const RESOLVE_EVERY_MS = 2_000;

const resolveAll = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/** Links this node to every controller behind the name, as they come and go. */
export function joinFleet(options: FleetOptions): { close(): void } {
  const { controller, resolve = resolveAll, log } = options;
  const links = new Map<string, Link>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let lastProblem: string | undefined;

  const look = async (): Promise<void> => {
    try {
      const found = await resolve(controller.host);
      if (closed) return;
      lastProblem = undefined;
      const addresses = found.map((ip) => `${urlHost(ip)}:${controller.port}`);
      for (const address of addresses) {
        if (!links.has(address)) links.set(address, keepLink({ ...options, address, serverName: controller.host }));
      }
      for (const [address, link] of links) {
        if (addresses.includes(address)) continue;
        links.delete(address);
        link.close();
      }
    } catch (error) {
      // The links that stand are left as they are.
      const { message } = error as Error;
      if (message !== lastProblem) log('warn', 'the controller’s address is not known', { problem: message });
      lastProblem = message;
    }
    if (!closed) timer = setTimeout(look, RESOLVE_EVERY_MS);
  };
  void look();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      for (const link of links.values()) link.close();
    },
  };
}
