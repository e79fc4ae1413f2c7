import type { DiskSources } from './sources.ts';

/** A device did not answer in time; the access to it goes on until the kernel ends it. */
export class DeviceSlowError extends Error {
  override readonly name = 'DeviceSlowError';
}

/**
 * Gives every access to a device a time limit. A device that has not come back from an earlier access is not touched
 * again until it does, so that a hung one holds one thread or child at most, however often it is asked for.
 */
export function limitSources(sources: DiskSources, limitMs = 5_000): DiskSources {
  const hung = new Set<string>();

  const limited = <T>(path: string, access: () => Promise<T>, late?: (result: T) => void): Promise<T> => {
    if (hung.has(path)) return Promise.reject(new DeviceSlowError('an earlier access has not come back'));
    return new Promise((resolve, reject) => {
      let expired = false;
      const timer = setTimeout(() => {
        expired = true;
        hung.add(path);
        reject(new DeviceSlowError(`no answer within ${limitMs} ms`));
      }, limitMs);
      access()
        .then(
          (result) => (expired ? late?.(result) : resolve(result)),
          (error: unknown) => reject(error as Error),
        )
        .finally(() => {
          clearTimeout(timer);
          if (expired) hung.delete(path);
        });
    });
  };

  return {
    ...sources,
    probe: (path) => limited(path, () => sources.probe(path)),
    openExclusive: (path) =>
      limited(
        path,
        () => sources.openExclusive(path),
        (handle) => void handle.close(),
      ),
    readRange: (path, offsetBytes, lengthBytes) =>
      limited(path, () => sources.readRange(path, offsetBytes, lengthBytes)),
  };
}
