import type { PoolCore } from './core.ts';

const LOOK_EVERY_MS = 1_000;

/** Has the backend look every second after what keeps its limits from being limits. Returns what ends it. */
export function startGuard(core: PoolCore): () => void {
  const { guard } = core.backend;
  if (guard === undefined) return () => {};
  let failed = false;
  const look = (): void => {
    try {
      for (const finding of guard.look(core.ledger)) core.log('warn', finding);
      failed = false;
    } catch (error) {
      if (!failed) core.log('error', 'looking after the limits failed', { cause: String(error) });
      failed = true;
    }
  };
  guard.start(core.ledger);
  const timer = setInterval(look, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
