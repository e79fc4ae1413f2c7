import { type DaemonOptions, startDaemon } from '../../helpers/daemon.ts';

const LIMIT_MS = 30_000;

/** Starts a daemon that must die by itself, at the step that its environment or its seam file names. */
export async function startToDie(options: DaemonOptions): Promise<void> {
  const daemon = await startDaemon(options).catch((error: Error) => {
    if (error.message.startsWith('the daemon ended with SIGKILL')) return undefined; // before it answered
    throw error;
  });
  if (daemon === undefined) return;
  const timer = setTimeout(() => void daemon.stop('SIGINT'), LIMIT_MS);
  const how = await daemon.ended;
  clearTimeout(timer);
  await daemon.stop(); // closes the clients
  if (how !== 'SIGKILL') throw new Error(`no step killed the daemon: ${daemon.log()}`);
}
