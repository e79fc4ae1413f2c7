import type { CallMetrics } from '../../observe/index.ts';
import type { Middleware } from '../compose.ts';
import { statusOf } from '../status.ts';

/** Counts and times every call by method and gRPC status. */
export function measureCalls(metrics: CallMetrics): Middleware {
  return async (_request, call, next) => {
    const end = metrics.start(call.method);
    try {
      const response = await next(call);
      end('OK');
      return response;
    } catch (error) {
      end(statusOf(error).name);
      throw error;
    }
  };
}
