import { errorCode } from '../host/libc.ts';
import type { RecordedDevice, RecordedMachine } from './recorded.ts';
import type { DiskSources } from './sources.ts';

/**
 * Sources that note down all they are asked, for a report or a test; `machine` is complete once a list was made. Of the
 * bytes of a disk only the place of the first one that is not zero is kept, since the rest is somebody's data.
 */
export function recordingSources(sources: DiskSources): { sources: DiskSources; machine: RecordedMachine } {
  const machine: RecordedMachine = {
    files: { sys: {}, proc: {}, udev: {} },
    links: { sys: {}, proc: {}, udev: {} },
    devices: {},
  };
  const deviceAt = (path: string): RecordedDevice => {
    machine.devices[path] ??= { number: sources.nodeNumber(path) ?? '', sizeBytes: 0 };
    return machine.devices[path];
  };

  const recording: DiskSources = {
    ...sources,
    readText(root, path) {
      const text = sources.readText(root, path);
      if (text !== undefined) machine.files[root][path] = text;
      return text;
    },
    list(root, path) {
      const names = sources.list(root, path);
      for (const name of names ?? []) machine.links[root][`${path}/${name}`] ??= '';
      return names;
    },
    linkTarget(root, path) {
      const target = sources.linkTarget(root, path);
      if (target !== undefined) machine.links[root][path] = target;
      return target;
    },
    nodeNumber(path) {
      const number = sources.nodeNumber(path);
      if (number !== undefined) deviceAt(path).number = number;
      return number;
    },
    async probe(path) {
      const probe = await sources.probe(path);
      const { exitCode, stdout, stderr } = probe;
      deviceAt(path).probe = { exitCode, stdout, stderr };
      return probe;
    },
    async openExclusive(path) {
      try {
        return await sources.openExclusive(path);
      } catch (error) {
        deviceAt(path).exclusiveError = errorCode(error);
        throw error;
      }
    },
    async readRange(path, offsetBytes, lengthBytes) {
      const device = deviceAt(path);
      try {
        const bytes = await sources.readRange(path, offsetBytes, lengthBytes);
        device.sizeBytes = Math.max(device.sizeBytes, Number(offsetBytes) + bytes.length);
        const at = bytes.findIndex((byte) => byte !== 0);
        const mark = { offset: Number(offsetBytes) + at, base64: '/w==' };
        if (at !== -1) device.bytes = [...(device.bytes ?? []), mark];
        return bytes;
      } catch (error) {
        device.readError = errorCode(error);
        throw error;
      }
    },
  };
  return { sources: recording, machine };
}
