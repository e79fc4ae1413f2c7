/** What a person wants to see about a disk and no verdict rests on. */
export interface DiskFacts {
  vendor?: string | undefined;
  model?: string | undefined;
  interface?: string | undefined;
  firmware?: string | undefined;
  temperatureCelsius?: number | undefined;
  /** SMART's own summary, such as `Ok`. */
  health?: string | undefined;
}

const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * Facts by device path, from `systeminformation`. Never rejects: what fails or takes too long is absent. It starts
 * programs, some of them synchronously, and wakes disks, so it is for a person who asks, not for a timer.
 */
export async function readDiskFacts(options: { timeoutMs?: number } = {}): Promise<Map<string, DiskFacts>> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never[]>((resolve) => {
    timer = setTimeout(() => resolve([]), timeoutMs);
  });
  try {
    const { diskLayout } = await import('systeminformation');
    const disks = await Promise.race([diskLayout(), late]);
    return new Map(
      disks.map((disk) => [
        disk.device,
        {
          vendor: disk.vendor || undefined,
          model: disk.name || undefined,
          interface: disk.interfaceType || undefined,
          firmware: disk.firmwareRevision || undefined,
          temperatureCelsius: disk.temperature ?? undefined,
          health: disk.smartStatus || undefined,
        },
      ]),
    );
  } catch {
    return new Map();
  } finally {
    clearTimeout(timer);
  }
}
