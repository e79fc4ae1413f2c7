import type { Call } from '../volumes/model.ts';

export type Send = (message: object) => Promise<void>;

/** One RPC on its way through the middleware. */
export interface CsiCall extends Call {
  /** `csi.v1.Node/NodeStageVolume` */
  readonly method: string;
  /** When the client gives up, in ms since 1970; undefined when it set no deadline. */
  readonly clientDeadline: number | undefined;
  /** Of an RPC that answers with a stream: sends a message, and waits until there is room for the next. */
  readonly send?: Send | undefined;
}

/** What does the work of one RPC. Rejects with BerthError. */
export type Handler<Request, Response> = (request: Request, call: CsiCall) => Promise<Response>;

/** Handlers of one service by RPC name; each takes the request type of its own. */
export type Handlers = Record<string, Handler<never, object>>;

/** Wraps the rest of the chain, which is `next`. */
export type Middleware = (request: object, call: CsiCall, next: (call: CsiCall) => Promise<object>) => Promise<object>;

/** Chains the middleware around a handler, the first outermost. */
export function compose(chain: readonly Middleware[], handler: Handler<object, object>): Handler<object, object> {
  return chain.reduceRight<Handler<object, object>>(
    (next, middleware) => (request, call) => middleware(request, call, (passed) => next(request, passed)),
    handler,
  );
}
