import { DRIVER_NAME } from '../csi/index.ts';
import { BerthError } from '../errors.ts';
import { volumesInUse } from './kubernetes.ts';

const SHOWN = 5;

/** Throws UNINSTALL_REFUSED while the cluster has volumes that nobody would serve any more. */
export async function checkUninstall(): Promise<void> {
  const volumes = await volumesInUse(DRIVER_NAME);
  if (volumes.length === 0) return;
  const shown = volumes.slice(0, SHOWN).join(', ');
  throw new BerthError('UNINSTALL_REFUSED', {
    count: volumes.length,
    volumes: volumes.length > SHOWN ? `${shown}, ...` : shown,
  });
}
