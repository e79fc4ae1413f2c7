import { type HostilePeers, startHostilePeers } from '../../nfs/hostile-peers.ts';
import { serveWork } from '../agent.ts';

/** Hostile peers in a process of their own. */
export type PeersWork = ReturnType<typeof createPeers>;

function createPeers() {
  let peers: HostilePeers | undefined;
  return {
    start(wanted: { port: number; count: number; file: Uint8Array }): void {
      peers = startHostilePeers({ ...wanted, file: Buffer.from(wanted.file) });
    },
    /** How many of their connections the server has ended. */
    async stop(_: object): Promise<number> {
      await peers?.stop();
      return peers?.counts.ended ?? 0;
    },
  };
}

if (import.meta.main) serveWork(createPeers());
