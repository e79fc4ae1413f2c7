import { chmodSync, lchownSync, statSync } from 'node:fs';
import { run } from '../../host/run.ts';

const TIME_LIMIT_MS = 10 * 60_000;
const SET_GID = 0o2000;
const GROUP_WRITES = 0o070;

/**
 * Honours `volume_mount_group`: the group owns and may write everything in the volume. As the kubelet's OnRootMismatch
 * does, the root directory is changed last and stands for all that is beneath it.
 */
export async function giveToGroup(path: string, group: string): Promise<void> {
  const gid = Number(group);
  const root = statSync(path);
  const wanted = root.mode | SET_GID | GROUP_WRITES;
  if (root.gid === gid && root.mode === wanted) return;
  const beneath = [path, '-xdev', '-mindepth', '1'];
  await run('find', [...beneath, '-exec', 'chown', '-h', `:${gid}`, '{}', '+'], { timeoutMs: TIME_LIMIT_MS });
  await run('find', [...beneath, '-not', '-type', 'l', '-exec', 'chmod', 'g+rwX', '{}', '+'], {
    timeoutMs: TIME_LIMIT_MS,
  });
  await run('find', [...beneath, '-type', 'd', '-exec', 'chmod', 'g+s', '{}', '+'], { timeoutMs: TIME_LIMIT_MS });
  lchownSync(path, root.uid, gid);
  chmodSync(path, wanted & 0o7777);
}
