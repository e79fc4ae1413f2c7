import { BerthError } from '../errors.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const ID = new RegExp(`^(${UUID})\\.(${UUID})$`);

/** Takes an id `<pool uuid>.<object uuid>` apart; undefined when it is not one. */
export function parseId(id: string): { poolId: string; uuid: string } | undefined {
  const [, poolId, uuid] = ID.exec(id) ?? [];
  return poolId === undefined || uuid === undefined ? undefined : { poolId, uuid };
}

/** Page tokens are the id after which the next page begins, marked so that nothing else passes for one. */
const TOKEN_PREFIX = 'after:';

export const toToken = (id: string): string => Buffer.from(`${TOKEN_PREFIX}${id}`).toString('base64url');

/** Undefined for the first page. Throws PAGE_TOKEN_INVALID for what is no token of ours. */
export function fromToken(token: string): { poolId: string; uuid: string } | undefined {
  if (token === '') return undefined;
  const text = Buffer.from(token, 'base64url').toString();
  const id = text.startsWith(TOKEN_PREFIX) ? parseId(text.slice(TOKEN_PREFIX.length)) : undefined;
  if (id === undefined) throw new BerthError('PAGE_TOKEN_INVALID', {});
  return id;
}
