import { randomUUID } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';

/**
 * An OPTIONS for a whole server is `OPTIONS *` at its last hop (RFC 9112 §3.2.4), a path undici
 * refuses. It gets this one, which nobody can guess, exchanged before the request is written.
 */
export const asteriskForm = `/${randomUUID()}`;

subscribe('undici:request:create', (message) => {
  const request: unknown =
    typeof message === 'object' && message !== null ? Reflect.get(message, 'request') : null;
  if (typeof request !== 'object' || request === null) return;
  if (Reflect.get(request, 'path') === asteriskForm) Reflect.set(request, 'path', '*');
});
