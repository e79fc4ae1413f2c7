import { closeSync, openSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BlockEvent, createDisks } from '../../../src/disks/index.ts';
import { attachLoop, detachLoop } from '../../../src/host/loop.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';

let lab: LoopLab;
beforeAll(() => {
  lab = openLoopLab();
});
afterAll(() => lab.dispose());

/** Resolves with the first event about `name` that comes after the call. */
function nextEvent(listeners: Set<(event: BlockEvent) => void>, name: () => string): Promise<BlockEvent> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nothing was heard')), 10_000);
    const listener = (event: BlockEvent): void => {
      if (event.name !== name()) return;
      clearTimeout(timer);
      listeners.delete(listener);
      resolve(event);
    };
    listeners.add(listener);
  });
}

describe('the kernel', () => {
  it('tells of a disk that comes and of one that goes', async () => {
    const { file, path: first } = lab.device(2 ** 20);
    detachLoop(first);
    const listeners = new Set<(event: BlockEvent) => void>();
    const allowLoop = new Set<string>();
    const disks = createDisks({ policy: () => ({ nodeName: 'n1', knownPools: new Map(), allowLoop }) });
    const watch = disks.watch({
      onChange: (events) => {
        for (const event of events) for (const listener of listeners) listener(event);
      },
    });
    const fd = openSync(file, 'r+');
    try {
      let path = '';
      const name = (): string => path.slice('/dev/'.length);
      const came = nextEvent(listeners, name);
      path = attachLoop(fd, { name: file, readOnly: false, directIo: false });
      allowLoop.add(path);
      expect(await came).toMatchObject({ action: 'change', name: name() });
      expect((await disks.list()).map((disk) => disk.path)).toContain(path);

      const went = nextEvent(listeners, name);
      detachLoop(path);
      expect(await went).toMatchObject({ action: 'change', name: name() });
      expect((await disks.list()).filter((disk) => disk.snapshot.loop?.backingFile === file)).toEqual([]);
    } finally {
      watch.close();
      closeSync(fd);
    }
  });
});
