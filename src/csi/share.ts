import { isIP } from 'node:net';
import { parseAddress } from '../config/network.ts';
import { BerthError } from '../errors.ts';
import { urlHost } from '../host/url-host.ts';
import { SHARE_NAME, type Share, type ShareUse } from '../volumes/model.ts';
import type { StringMap, TopologyRequirement } from './types.ts';

/** `address:port/name` of the NFS export that a shared volume is. */
const SHARE_KEY = 'berth.dev/share';
const ALWAYS_KEY = 'berth.dev/share-always';

/**
 * The volume context of a shared volume. Where it may be used from several nodes from the start, all of them use NFS, the volume's
 * own one too: what a running pod has mounted cannot be exchanged when a second node comes.
 */
export function toShareContext({ address, port, name }: Share, where: TopologyRequirement | null): StringMap {
  return {
    [SHARE_KEY]: `${urlHost(address)}:${port}/${name}`,
    [ALWAYS_KEY]: String((where?.requisite.length ?? 0) > 1),
  };
}

/** What the context says of how the volume is shared; undefined when it is not. */
export function parseShare(context: StringMap): ShareUse | undefined {
  const text = context[SHARE_KEY];
  if (text === undefined) return undefined;
  const slash = text.indexOf('/');
  const place = parseAddress(text.slice(0, slash));
  const name = text.slice(slash + 1);
  if (slash === -1 || place === undefined || isIP(place.host) === 0 || place.port === 0 || !SHARE_NAME.test(name)) {
    throw new BerthError('FIELD_INVALID', {
      field: `volume_context.${SHARE_KEY}`,
      problem: 'is not address:port/name, as CreateVolume has given it',
    });
  }
  return { address: place.host, port: place.port, name, always: context[ALWAYS_KEY] === 'true' };
}
