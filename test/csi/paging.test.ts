import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeVolumes } from './fake-volumes.ts';
import { type Served, serveForTest } from './serve-fake.ts';

interface VolumePage {
  entries: { volume: { volume_id: string } }[];
  next_token: string;
}

let served: Served;
beforeEach(async () => {
  served = await serveForTest(createFakeVolumes({ makePaths: false }));
});
afterEach(() => served.stop());

const create = async (name: string): Promise<string> => {
  const capability = { mount: {}, access_mode: { mode: 'SINGLE_NODE_WRITER' } };
  const { volume } = await served.client.call<VolumePage['entries'][number]>('CreateVolume', {
    name,
    volume_capabilities: [capability],
  });
  return volume.volume_id;
};
const list = (max_entries: number, starting_token: string) =>
  served.client.call<VolumePage>('ListVolumes', { max_entries, starting_token });
const ids = (page: VolumePage): string[] => page.entries.map(({ volume }) => volume.volume_id);

test('pages go through all volumes once, and stay good when what they ended with is deleted', async () => {
  const all: string[] = [];
  for (let index = 0; index < 5; index++) all.push(await create(`volume ${index}`));
  const first = await list(2, '');
  expect(first.entries).toHaveLength(2);
  for (const volume_id of ids(first)) await served.client.call('DeleteVolume', { volume_id });
  const second = await list(2, first.next_token);
  const third = await list(2, second.next_token);
  expect(third.next_token).toBe('');
  expect([first, second, third].flatMap(ids).sort()).toEqual(all.sort());
  expect(ids(await list(0, '')).sort()).toEqual([second, third].flatMap(ids).sort());
});

test.each(['ListVolumes', 'ListSnapshots', 'ControllerListVolumeHealth'])('%s refuses what is no page', async (rpc) => {
  await expect(served.client.call(rpc, { starting_token: 'invalid-token' })).rejects.toMatchObject({
    status: 'ABORTED',
  });
  await expect(served.client.call(rpc, { max_entries: -1 })).rejects.toMatchObject({ status: 'INVALID_ARGUMENT' });
});
