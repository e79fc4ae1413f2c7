import { readFileSync } from 'node:fs';
import { credentials } from '@grpc/grpc-js';
import type { Config } from '../config/index.ts';
import type { Csi } from '../csi/index.ts';
import type { StringMap } from '../csi/types.ts';
import { BerthError } from '../errors.ts';
import { encodePool } from '../rpc/pool-message.ts';
import type { VolumeService } from '../volumes/model.ts';
import { FIND_VOLUME, SNAPSHOT_BLOCKS } from './ask.ts';
import { type BlocksRequest, decodeQuery, encodePage } from './blocks-message.ts';
import { joinFleet } from './fleet-client.ts';
import type { LinkOptions } from './link.ts';
import { findVolume, snapshotBlocks } from './messages.ts';

export interface Member {
  node: string;
  version: string;
  topology: StringMap;
  csi: Csi;
  service: Pick<VolumeService, 'pools' | 'knowsVolume' | 'snapshotBlocks'>;
  ready(): boolean;
  log: LinkOptions['log'];
}

/** What a controller may ask of a node: mounts are the kubelet's affair. */
const ROUTED = /^csi\.v1\.(Group)?Controller\//;

/** Makes this node known to the cluster's controllers, and answers what they ask. */
export function joinAs(member: Member, fleet: NonNullable<Config['fleet']>): { close(): void } {
  const { csi, service } = member;
  return joinFleet({
    controller: fleet.controller,
    // Read anew for each connection: both are renewed while the daemon runs.
    credentials: () => credentials.createSsl(readFileSync(fleet.caFile)),
    token: () => readFileSync(fleet.tokenFile, 'utf8').trim(),
    inventory: () => ({
      node: member.node,
      version: member.version,
      topology: member.topology,
      ready: member.ready(),
      pools: service.pools().map(encodePool),
    }),
    async answer(method, request, options) {
      if (method === FIND_VOLUME) {
        const { name } = findVolume.requestDeserialize(request) as { name: string };
        return findVolume.responseSerialize({ found: service.knowsVolume(name) });
      }
      if (method === SNAPSHOT_BLOCKS) {
        const query = decodeQuery(snapshotBlocks.requestDeserialize(request) as BlocksRequest);
        const call = { deadline: Date.now() + options.timeoutMs, requestId: options.requestId };
        return snapshotBlocks.responseSerialize(encodePage(await service.snapshotBlocks(query, call)));
      }
      if (!ROUTED.test(method)) throw new BerthError('METHOD_UNSUPPORTED', { method });
      return csi.call(method, request, options);
    },
    log: member.log,
  });
}
