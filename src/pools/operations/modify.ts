import type { IoLimits } from '../../volumes/model.ts';
import { commitStep, findObject, holding, type PoolCore } from '../core.ts';
import { applyIoLimits } from '../io-limits.ts';
import type { ObjectRow } from '../ledger.ts';

/** ControllerModifyVolume: the limits are kept, and hold for pods that use the volume already. */
export async function modifyVolume(core: PoolCore, args: { uuid: string; ioLimits: IoLimits }): Promise<ObjectRow> {
  const row = findObject(core, 'volume', args.uuid);
  return holding(core, 'ControllerModifyVolume', [row.uuid], async () => {
    const modified = { ...row, ioLimits: args.ioLimits };
    await commitStep(core, 'modify.commit', () => core.ledger.updateObject(modified));
    applyIoLimits(core, modified);
    return modified;
  });
}
