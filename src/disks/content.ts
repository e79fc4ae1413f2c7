import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../host/libc.ts';
import { recogniseHeaders } from './headers.ts';
import { readProbe } from './probe.ts';
import { type Answer, type Content, type DiskSnapshot, EDGE_BYTES } from './snapshot.ts';
import type { DiskSources } from './sources.ts';

/** What the device itself says, as opposed to what the kernel and udev say about it. */
export type DeviceContent = Pick<DiskSnapshot, 'content' | 'exclusive' | 'head' | 'tail' | 'headers'>;

export const notAsked: DeviceContent = {
  content: { state: 'not-asked' },
  exclusive: { state: 'not-asked' },
  head: { state: 'not-asked' },
  tail: { state: 'not-asked' },
  headers: [],
};

/**
 * Asks blkid, and goes on only where that leaves open whether the device is free. The order matters: blkid is a child
 * that can be given up, so a device that hangs is seldom met by a thread of this process. And a device that carries
 * something is not opened exclusively, since just then its owner could fail to mount it.
 */
export async function readContent(
  sources: DiskSources,
  device: { path: string; sizeBytes: bigint; inUse: boolean },
): Promise<DeviceContent> {
  const content = await probe(sources, device.path);
  const open = content.state === 'empty' || content.state === 'ambivalent';
  if (!open || device.inUse) return { ...notAsked, content };
  const [head, tail] = await readEdges(sources, device);
  const headers = recogniseHeaders(head.data ?? nothing, tail.data ?? nothing, device.sizeBytes);
  const exclusive: DeviceContent['exclusive'] =
    content.state === 'empty' ? await tryExclusive(sources, device.path) : { state: 'not-asked' };
  return { content, exclusive, head: head.answer, tail: tail.answer, headers };
}

async function probe(sources: DiskSources, path: string): Promise<Content> {
  try {
    return readProbe(await sources.probe(path));
  } catch (error) {
    return { state: 'unknown', problem: problemOf(error) };
  }
}

const EXCLUSIVE_ATTEMPTS = 4;
const EXCLUSIVE_PAUSE_MS = 10;

/** Another listing that runs at the same time holds the device for a moment, so EBUSY is asked again. */
async function tryExclusive(sources: DiskSources, path: string): Promise<DeviceContent['exclusive']> {
  for (let attempt = 1; ; attempt++) {
    try {
      await (await sources.openExclusive(path)).close();
      return { state: 'granted' };
    } catch (error) {
      if (errorCode(error) !== 'EBUSY') return { state: 'unknown', problem: problemOf(error) };
      if (attempt === EXCLUSIVE_ATTEMPTS) return { state: 'busy' };
      await sleep(EXCLUSIVE_PAUSE_MS);
    }
  }
}

interface Edge {
  answer: Answer<'zero' | 'data'>;
  /** Absent when there is none. */
  data?: Buffer;
}

const nothing = Buffer.alloc(0);

async function readEdges(
  sources: DiskSources,
  { path, sizeBytes }: { path: string; sizeBytes: bigint },
): Promise<[Edge, Edge]> {
  const lengthBytes = sizeBytes < EDGE_BYTES ? Number(sizeBytes) : EDGE_BYTES;
  const head = await readEdge(sources, path, 0n, lengthBytes);
  return [head, await readEdge(sources, path, sizeBytes - BigInt(lengthBytes), lengthBytes)];
}

const zeros = Buffer.alloc(EDGE_BYTES);

async function readEdge(sources: DiskSources, path: string, offsetBytes: bigint, lengthBytes: number): Promise<Edge> {
  try {
    const bytes = await sources.readRange(path, offsetBytes, lengthBytes);
    if (bytes.length < lengthBytes) {
      return { answer: { state: 'unknown', problem: `ends after ${bytes.length} of ${lengthBytes} bytes` } };
    }
    if (bytes.equals(zeros.subarray(0, lengthBytes))) return { answer: { state: 'zero' } };
    return { answer: { state: 'data' }, data: bytes };
  } catch (error) {
    return { answer: { state: 'unknown', problem: problemOf(error) } };
  }
}

const problemOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300);
