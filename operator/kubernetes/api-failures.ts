import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { isRecord, type JsonRecord } from '../../contracts/json.ts';
import { ApiError } from './api.ts';
import type { ApiRequest } from './connection.ts';

/** What an answer that is no success says. */
export async function apiErrorOf(
  request: Pick<ApiRequest, 'method' | 'path'>,
  response: IncomingMessage,
): Promise<ApiError> {
  const body = await text(response).catch(() => '');
  const status = response.statusCode ?? 0;
  const said = statusIn(body);
  const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
  return new ApiError(messageOf(request, status, said), {
    status,
    reason: typeof said['reason'] === 'string' ? said['reason'] : reasonOf(status),
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : null,
  });
}

/** The `Status` that a watch ends with. */
export function apiErrorInWatch(path: string, object: unknown): ApiError {
  const said = isRecord(object) ? object : {};
  const status = typeof said['code'] === 'number' ? said['code'] : 500;
  return new ApiError(messageOf({ method: 'GET', path }, status, said), {
    status,
    reason: typeof said['reason'] === 'string' ? said['reason'] : reasonOf(status),
  });
}

export function malformed(path: string, cause: unknown): ApiError {
  const message = `GET ${path}: the answer is not what an API server says`;
  return new ApiError(message, { status: 0, reason: 'Malformed', cause });
}

/** A path without its query. */
export function placeOf(path: string): string {
  return path.replace(/\?.*$/s, '');
}

function messageOf(
  { method, path }: Pick<ApiRequest, 'method' | 'path'>,
  status: number,
  { message }: JsonRecord,
): string {
  const place = placeOf(path);
  // What the server finds wrong with a Secret it may quote.
  const mayQuote = place.includes('/secrets') && (status === 400 || status === 422);
  const said = typeof message === 'string' && !mayQuote ? message : reasonOf(status);
  return `${method} ${place}: ${status} ${said.slice(0, 1024)}`;
}

function statusIn(body: string): JsonRecord {
  try {
    const value: unknown = JSON.parse(body);
    return isRecord(value) ? value : {};
  } catch {
    return {}; // "404 page not found"
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function reasonOf(status: number): string {
  return reasons[status] ?? (status >= 500 ? 'InternalError' : 'Unknown');
}
