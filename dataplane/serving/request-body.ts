import type { ClientRequest } from './client-message.ts';

export function hasBody({ headers }: Pick<ClientRequest, 'headers'>): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0);
}

/** What goes on to the origin; `null`: there is none. */
export type OutgoingBody = Buffer | ClientRequest | null;

/**
 * All of a body that is here, which is written with the head and needs no stream; else the request,
 * which is read at the pace of the origin. It is for who has read nothing of it yet.
 */
export function bodyOf(request: ClientRequest): Buffer | ClientRequest {
  // A body that does not say its length is streamed, as it came.
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  if (!(request.readableLength >= length)) return request;
  const body: Buffer = request.read();
  request.resume(); // its end is still to be read
  return body;
}
