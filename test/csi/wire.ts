import { afterEach, beforeEach } from 'vitest';
import type { VolumeService } from '../../src/volumes/model.ts';
import type { CallError } from './client.ts';
import { createFakeVolumes, type FakeVolumes } from './fake-volumes.ts';
import { type Served, serveForTest } from './serve-fake.ts';

const MODE = { access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' } };

export const blockCapability = { block: {}, ...MODE };
export const mountCapability = (values: object = {}) => ({ mount: values, ...MODE });

/** What TEST_NODE says of its place. */
export const topology = {
  segments: {
    'topology.berth.dev/node': 'n1',
    'topology.berth.dev/zone': 'z1',
    'topology.berth.dev/region': 'r1',
  },
};
export const elsewhere = { segments: { 'topology.berth.dev/node': 'n2' } };

/** A CSI server over a fake, new for each test of the file. */
export function useWire() {
  let service: FakeVolumes;
  let served: Served;
  let ready: boolean;
  beforeEach(async () => {
    ready = true;
    service = createFakeVolumes({ makePaths: false });
    served = await serveForTest(service, { ready: () => ready });
  });
  afterEach(() => served.stop());

  const call = <Response extends object = Record<string, unknown>>(rpc: string, request?: object): Promise<Response> =>
    served.client.call<Response>(rpc, request);

  return {
    service: () => service,
    setReady(value: boolean) {
      ready = value;
    },
    call,
    stream: <Message extends object>(rpc: string, request: object): Promise<Message[]> =>
      served.client.stream<Message>(rpc, request),
    /** The status and message of a call that must fail. */
    refused: (rpc: string, request: object): Promise<string> =>
      call(rpc, request).then(
        () => 'OK',
        (error: CallError) => `${error.status} ${error.message}`,
      ),
    /** Gives the service another method that answers with `answer`; returns what it is called with. */
    spy(name: keyof VolumeService, answer: unknown): unknown[] {
      const requests: unknown[] = [];
      (service as unknown as Record<string, unknown>)[name] = async (request: unknown) => {
        requests.push(request);
        return answer;
      };
      return requests;
    },
    async createVolume(request: object = {}): Promise<{ volume_id: string }> {
      const { volume } = await call<{ volume: { volume_id: string } }>('CreateVolume', {
        name: 'data',
        volume_capabilities: [mountCapability()],
        ...request,
      });
      return volume;
    },
  };
}
