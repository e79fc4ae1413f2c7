import { toBerthError } from '../../errors.ts';
import type { Logger } from '../../observe/index.ts';
import type { CsiCall, Middleware } from '../compose.ts';

/** What a call is about; whichever it names first. */
interface Subject {
  volume_id?: string;
  source_volume_id?: string;
  snapshot_id?: string;
  group_snapshot_id?: string;
  name?: string;
}

/** One line for each call: how it ended and how long it took; at `debug`, the redacted request as well. */
export function logCalls(log: Logger): Middleware {
  return async (request, call, next) => {
    const startedAt = performance.now();
    const fields = (): object => ({
      ...describe(request, call),
      duration_ms: Math.round((performance.now() - startedAt) * 100) / 100,
      ...(log.isLevelEnabled('debug') ? { request } : {}),
    });
    try {
      const response = await next(call);
      log.info({ ...fields(), code: 'OK' }, 'call');
      return response;
    } catch (thrown) {
      const error = toBerthError(thrown);
      const level = error.status === 'INTERNAL' || error.status === 'DATA_LOSS' ? 'error' : 'warn';
      log[level]({ ...fields(), code: error.status, error: error.code, err: error.cause }, error.message);
      throw error;
    }
  };
}

function describe(request: Subject, call: CsiCall): object {
  return {
    method: call.method,
    request_id: call.requestId,
    volume: request.volume_id || request.source_volume_id || undefined,
    snapshot: request.snapshot_id || request.group_snapshot_id || undefined,
    name: request.name || undefined,
  };
}
