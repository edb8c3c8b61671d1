import type { WatchRestart } from '../metrics.ts';
import {
  ApiError,
  isExpired,
  type KubernetesApi,
  type WatchEvent,
  type WatchQuery,
} from './api.ts';

type Watch = {
  readonly api: KubernetesApi;
  readonly path: string;
  readonly query: WatchQuery;
  /** A server that says nothing for so long, no bookmark either, is not there. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
};

/** Goes on until the server ends it, which is `null`, or something else does, which is why. */
export async function watchOnce(
  { api, path, query, stallMs, signal }: Watch,
  take: (event: WatchEvent) => void,
): Promise<ApiError | null> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), stallMs);
  const ended = AbortSignal.any([signal, stalled.signal]);
  try {
    for await (const event of api.watch(path, query, ended)) {
      if (signal.aborted) return null;
      timer.refresh();
      take(event);
    }
    return null;
  } catch (cause) {
    if (signal.aborted) return null;
    if (!stalled.signal.aborted) return failureOf(cause);
    const message = `GET ${path}: silent for ${stallMs / 1000} s`;
    return new ApiError(message, { status: 0, reason: 'Stalled', cause });
  } finally {
    clearTimeout(timer);
  }
}

/** Whether watching again from the same place cannot mend it. */
export function needsListing(failure: ApiError): boolean {
  const { status, reason } = failure;
  const isRefused = status >= 400 && status < 500 && status !== 429;
  return isRefused || isExpired(failure) || reason === 'Malformed' || reason === 'Bug';
}

export function restartOf(failure: ApiError): WatchRestart {
  if (isExpired(failure)) return 'expired';
  if (failure.reason === 'Stalled') return 'stalled';
  if (failure.status === 404) return 'missing';
  return failure.status === 403 || failure.status === 401 ? 'refused' : 'failed';
}

export function failureOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(message, { status: 0, reason: 'Bug', cause: error });
}
