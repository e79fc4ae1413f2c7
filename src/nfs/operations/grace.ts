import { fail, NFS4 } from '../protocol/status.ts';
import type { Client } from '../state/model.ts';
import type { Server } from './context.ts';

/**
 * Who may get state now: after a restart those who take back what they had; later, and once they have said that they
 * are done with that, all. RFC 8881 8.4.2, 18.51.3.
 */
export function demandGrace({ state: { grace } }: Server, client: Client, isReclaim: boolean): void {
  if (!isReclaim) {
    if (grace.isActive || !client.isReclaimComplete) fail(NFS4.ERR_GRACE);
    return;
  }
  if (!grace.isActive || client.isReclaimComplete || !client.mayReclaim) fail(NFS4.ERR_NO_GRACE);
}
