import { ApiException } from '@kubernetes/client-node';
import { BerthError } from '../errors.ts';

/** The HTTP status that the API server refused with. */
export const statusOf = (error: unknown): number | undefined =>
  error instanceof ApiException ? error.code : undefined;

/** What went wrong with a request to the API server, in its own words where it has any. */
export function problemOf(error: unknown): string {
  if (error instanceof ApiException) {
    const message = messageIn(error.body);
    if (message !== undefined) return message;
  }
  const { name, message = String(error), cause } = error as Partial<Error>;
  if (name === 'TimeoutError') return 'no answer in time';
  const beneath = cause instanceof Error ? `: ${cause.message || (cause as NodeJS.ErrnoException).code}` : '';
  return `${message.split('\n', 1)[0]}${beneath}`;
}

/** The body of a refusal is a Status, parsed or as text. */
function messageIn(body: unknown): string | undefined {
  if (typeof body !== 'string') return (body as { message?: string } | undefined)?.message;
  try {
    return (JSON.parse(body) as { message?: string }).message;
  } catch {
    return undefined;
  }
}

/** Awaits a request; rejects with KUBE_REQUEST_FAILED, which says that it was to `action`. */
export async function request<T>(action: string, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw new BerthError('KUBE_REQUEST_FAILED', { action, problem: problemOf(error) }, { cause: error });
  }
}

/** The same for one object: undefined when there is none. */
export async function requestOne<T>(action: string, asked: Promise<T>): Promise<T | undefined> {
  return request(
    action,
    asked.catch((error: unknown) => {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }),
  );
}
