import { BerthError } from '../../errors.ts';
import type { Middleware } from '../compose.ts';

interface Subject {
  name?: string;
  volume_id?: string;
  snapshot_id?: string;
  group_snapshot_id?: string;
}

const byVolume = (request: Subject) => ['volume', request.volume_id] as const;

/** What each RPC that changes something has to itself. RPCs that only read are not here. */
const LOCKS: Record<string, (request: Subject) => readonly [kind: string, value: string | undefined]> = {
  CreateVolume: (request) => ['volume name', request.name],
  DeleteVolume: byVolume,
  ControllerExpandVolume: byVolume,
  NodeStageVolume: byVolume,
  NodeUnstageVolume: byVolume,
  NodePublishVolume: byVolume,
  NodeUnpublishVolume: byVolume,
  NodeExpandVolume: byVolume,
  CreateSnapshot: (request) => ['snapshot name', request.name],
  DeleteSnapshot: (request) => ['snapshot', request.snapshot_id],
  CreateVolumeGroupSnapshot: (request) => ['group snapshot name', request.name],
  DeleteVolumeGroupSnapshot: (request) => ['group snapshot', request.group_snapshot_id],
};

/** One call at a time on one thing: a second is ABORTED at once (CSI 1.13 "Concurrency"). */
export function lockSubjects(): Middleware {
  const held = new Map<string, string>();
  return async (request, call, next) => {
    const rpc = call.method.slice(call.method.indexOf('/') + 1);
    const [kind, value] = LOCKS[rpc]?.(request) ?? [];
    if (!value) return next(call);
    const subject = `${kind} ${value}`;
    const operation = held.get(subject);
    if (operation !== undefined) throw new BerthError('OPERATION_PENDING', { subject, operation });
    held.set(subject, rpc);
    try {
      return await next(call);
    } finally {
      held.delete(subject);
    }
  };
}
