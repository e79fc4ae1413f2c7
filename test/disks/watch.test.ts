import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BlockEvent, type UeventSocket, watchDisks } from '../../src/disks/uevents.ts';

const message = (name: string): Buffer =>
  Buffer.from(`add@/devices/${name}\0ACTION=add\0DEVPATH=/devices/${name}\0SUBSYSTEM=block\0SEQNUM=1\0`);
const lost = Object.assign(new Error('lost'), { code: 'ENOBUFS' });

function fakeSocket(): { socket: UeventSocket; queue: (Buffer | Error)[]; closed: () => boolean } {
  const queue: (Buffer | Error)[] = [];
  let closed = false;
  const receive = (): Buffer | undefined => {
    const next = queue.shift();
    if (next instanceof Error) throw next;
    return next;
  };
  const close = (): void => {
    closed = true;
  };
  return { socket: { receive, close }, queue, closed: () => closed };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the watch', () => {
  const start = () => {
    const seen: BlockEvent[][] = [];
    const fake = fakeSocket();
    const watch = watchDisks({ onChange: (events) => void seen.push(events), socket: fake.socket });
    return { seen, watch, ...fake };
  };

  it('gives what was heard within 250 ms, at once, and asks for another look when udev has caught up', () => {
    const { seen, queue, watch } = start();
    queue.push(message('sda'), Buffer.from('noise'), message('sdb'));
    vi.advanceTimersByTime(250);
    expect(seen.map((events) => events.map(({ name }) => name))).toEqual([['sda', 'sdb']]);
    vi.advanceTimersByTime(2_000);
    expect(seen.slice(1)).toEqual([[{ action: 'rescan' }]]);
    watch.close();
  });

  it('is silent about what does not concern', () => {
    const { socket, queue } = fakeSocket();
    const seen: BlockEvent[][] = [];
    const concerns = ({ name = '' }: BlockEvent): boolean => !name.startsWith('loop');
    const watch = watchDisks({ onChange: (events) => void seen.push(events), socket, concerns });
    queue.push(message('loop7'));
    vi.advanceTimersByTime(5_000);
    expect(seen).toEqual([]);
    watch.close();
  });

  it('asks for another look when messages were lost, and goes on', () => {
    const { seen, queue, watch } = start();
    queue.push(lost, message('sda'));
    vi.advanceTimersByTime(250);
    expect(seen[0]!.map(({ action }) => action)).toEqual(['rescan', 'add']);
    watch.close();
  });

  it('asks for one every 30 s though nothing was heard, and is silent when closed', () => {
    const { seen, closed, watch } = start();
    vi.advanceTimersByTime(60_000);
    expect(seen).toEqual([[{ action: 'rescan' }], [{ action: 'rescan' }]]);
    watch.close();
    expect(closed()).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(seen).toHaveLength(2);
  });
});
