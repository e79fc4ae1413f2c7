import { describe, expect, test } from 'vitest';
import { useWire } from './wire.ts';

const wire = useWire();
const { call, refused } = wire;

describe('Identity', () => {
  test('tells who it is and what it can do', async () => {
    expect(await call('GetPluginInfo')).toMatchObject({ name: 'csi.berth.dev', vendor_version: '1.2.3' });
    expect(await call('GetPluginCapabilities')).toMatchObject({
      capabilities: [
        { service: { type: 'CONTROLLER_SERVICE' } },
        { service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' } },
        { service: { type: 'GROUP_CONTROLLER_SERVICE' } },
        { service: { type: 'SNAPSHOT_METADATA_SERVICE' } },
        { volume_expansion: { type: 'ONLINE' } },
      ],
    });
  });
  test('is not ready while pools open', async () => {
    wire.setReady(false);
    expect(await call('Probe')).toEqual({ ready: { value: false } });
    wire.setReady(true);
    expect(await call('Probe')).toEqual({ ready: { value: true } });
  });
});

test('capabilities are those of a local driver', async () => {
  const types = async (rpc: string): Promise<string[]> => {
    const { capabilities } = await call<{ capabilities: { rpc: { type: string } }[] }>(rpc);
    return capabilities.map((capability) => capability.rpc.type);
  };
  const controller = await types('ControllerGetCapabilities');
  expect(controller).toContain('SINGLE_NODE_MULTI_WRITER');
  expect(controller).not.toContain('UNKNOWN'); // a misspelt name would become it
  expect(controller).not.toContain('PUBLISH_UNPUBLISH_VOLUME');
  const node = await types('NodeGetCapabilities');
  expect(node).toContain('SINGLE_NODE_MULTI_WRITER');
  expect(node).not.toContain('UNKNOWN');
  expect(await types('GroupControllerGetCapabilities')).toEqual(['CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT']);
});

test.each(['ControllerPublishVolume', 'ControllerUnpublishVolume'])('%s is not offered', async (rpc) => {
  expect(await refused(rpc, {})).toMatch(/^UNIMPLEMENTED ./);
});
