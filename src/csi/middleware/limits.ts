import type { Middleware } from '../compose.ts';
import { checkLimits } from '../limits.ts';

/** Refuses requests with fields beyond CSI's sizes before anything else looks at them. */
export const enforceLimits: Middleware = async (request, call, next) => {
  checkLimits(request);
  return next(call);
};
