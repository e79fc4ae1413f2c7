import { describe, expect, test } from 'vitest';
import { mountCapability, useWire } from './wire.ts';

const { call, refused, service, createVolume } = useWire();

const handle = `csi-${'0f'.repeat(32)}`;
const publish = {
  volume_id: handle,
  target_path: '/t',
  volume_capability: mountCapability(),
  volume_context: {
    'csi.storage.k8s.io/ephemeral': 'true',
    'csi.storage.k8s.io/pod.name': 'p',
    size: '64Mi',
    poolClass: 'fake',
  },
};
const names = async (): Promise<string[]> =>
  (await service().listVolumes({ token: '', max: 0 }, { deadline: 0, requestId: '' })).items.map(({ name }) => name);

describe('an inline volume', () => {
  test('is made when it is published, once, and goes when it is unpublished', async () => {
    await call('NodePublishVolume', publish);
    await call('NodePublishVolume', publish);
    expect(await names()).toEqual([`inline volume ${handle}`]);
    expect(await call('NodeGetVolumeStats', { volume_id: handle, volume_path: '/t' })).toMatchObject({
      usage: [{ unit: 'BYTES' }, { unit: 'INODES' }],
    });
    await call('NodeUnpublishVolume', { volume_id: handle, target_path: '/t' });
    await call('NodeUnpublishVolume', { volume_id: handle, target_path: '/t' });
    expect(await names()).toEqual([]);
  });

  test.each([
    [{ size: '' }, 'INVALID_ARGUMENT FIELD_INVALID: volume_context.size: expected a size'],
    [{ size: '0' }, 'INVALID_ARGUMENT FIELD_INVALID: volume_context.size'],
    [{ sise: '1Gi' }, 'INVALID_ARGUMENT PARAMETER_UNKNOWN: parameter sise is not known'],
    [{ thin: 'yes' }, 'INVALID_ARGUMENT PARAMETER_INVALID: parameter thin'],
  ])('with %j is refused', async (attributes, told) => {
    const volume_context = { ...publish.volume_context, ...attributes };
    expect(await refused('NodePublishVolume', { ...publish, volume_context })).toContain(told);
    expect(await names()).toEqual([]);
  });

  test('without a size is refused', async () => {
    const { size: _, ...volume_context } = publish.volume_context;
    expect(await refused('NodePublishVolume', { ...publish, volume_context })).toContain(
      'FIELD_MISSING: volume_context.size',
    );
  });

  test('is not what a claim’s volume can be taken for', async () => {
    const { volume_id } = await createVolume();
    expect(await refused('NodePublishVolume', { ...publish, volume_id })).toContain('is no handle of an inline volume');
    const named = { name: `inline volume ${handle}`, volume_capabilities: [mountCapability()] };
    expect(await refused('CreateVolume', named)).toContain('FIELD_INVALID: name');
    await call('NodeUnpublishVolume', { volume_id, target_path: '/t' });
    expect(await names()).toHaveLength(1);
  });
});
