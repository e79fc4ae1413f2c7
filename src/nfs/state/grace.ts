import type { ClientList } from './client-list.ts';

/** The time after a restart in which clients take back what they held, and nobody gets anything new; RFC 8881 8.4.2. */
export interface Grace {
  readonly isActive: boolean;
  /** Whether the client held state before the restart. */
  mayReclaim(owner: string): boolean;
  /** The client has taken back all that it wants. */
  complete(owner: string): void;
  close(): void;
}

export function startGrace(list: ClientList, graceMs: number, onEnd: () => void): Grace {
  const awaited = new Set(list.before);
  let isActive = awaited.size > 0;
  let timer: NodeJS.Timeout | undefined;

  const end = (): void => {
    if (!isActive) return;
    isActive = false;
    clearTimeout(timer);
    // Who did not come back has lost what it had, also for the next restart.
    for (const owner of awaited) list.remove(owner);
    onEnd();
  };
  if (isActive) {
    timer = setTimeout(end, graceMs);
    timer.unref();
  }
  return {
    get isActive() {
      return isActive;
    },
    mayReclaim: (owner) => list.before.has(owner),
    complete(owner) {
      awaited.delete(owner);
      if (awaited.size === 0) end();
    },
    close: () => clearTimeout(timer),
  };
}
