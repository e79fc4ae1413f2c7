import type { ServiceDefinition } from '@grpc/grpc-js';
import type { PoolMessage } from '../rpc/pool-message.ts';
import { loadProto, serviceOf } from '../rpc/proto.ts';

/** The messages of proto/berth/v1/fleet.proto as proto-loader gives and takes them. */
export interface InventoryMessage {
  node: string;
  version: string;
  topology: Record<string, string>;
  ready: boolean;
  pools: PoolMessage[];
}

export interface CallMessage {
  id: string;
  method: string;
  request: Buffer;
  timeout_ms: number;
  request_id: string;
}

export interface AnswerMessage {
  id: string;
  result?: 'response' | 'failure';
  response?: Buffer;
  failure?: { code: string; status: string; message: string };
}

export type FromNode =
  | { kind?: 'inventory'; inventory: InventoryMessage; answer?: undefined }
  | { kind?: 'answer'; answer: AnswerMessage; inventory?: undefined };

export interface ToNode {
  kind?: 'call';
  call?: CallMessage;
}

const proto = loadProto('berth/v1/fleet.proto');

export const fleetService: ServiceDefinition = serviceOf(proto, 'berth.v1.Fleet');
const nodeService = serviceOf(proto, 'berth.v1.FleetNode');
export const findVolume = nodeService['FindVolume']!;
export const snapshotBlocks = nodeService['SnapshotBlocks']!;

/** Pages of listings may be large. */
export const MAX_MESSAGE_BYTES = 64 << 20;

/** A peer whose network is gone is noticed after both of these. */
export const KEEPALIVE = { 'grpc.keepalive_time_ms': 5_000, 'grpc.keepalive_timeout_ms': 5_000 };
