/**
 * Resolves at the first SIGTERM or SIGINT. Later ones change nothing: at Ctrl-C the terminal and npm each send one, and
 * the second must not cut the clean-up short.
 */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
}
