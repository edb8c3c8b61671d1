import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Metrics } from './metrics.ts';

/** `/metrics`, `/healthz`, `/readyz` on an address of their own. */
export type Admin = AsyncDisposable & {
  readonly address: { readonly host: string; readonly port: number };
};

export type AdminSettings = {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  /** Whether it does what it is there for: asked at each `/readyz`. */
  isReady(): boolean;
};

/** Throws Node's error when the address is taken. */
export async function startAdmin({ host, port, metrics, isReady }: AdminSettings): Promise<Admin> {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000 },
    (request, response) => {
      answer(request, response, metrics, isReady).catch(() => response.destroy());
    },
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port, exclusive: true }, resolve);
  await promise;
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null)
    throw new Error('the admin server has no address');
  return {
    // As bound: `localhost` is a name, and nobody may be proxied to the address behind it.
    address: { host: bound.address, port: bound.port },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  metrics: Metrics,
  isReady: () => boolean,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return say(response, 405, 'only GET\n');
  switch (request.url?.replace(/\?.*$/s, '')) {
    case '/metrics': {
      const text = await metrics.render();
      return say(response, 200, text, metrics.contentType);
    }
    case '/healthz':
      return say(response, 200, 'ok\n');
    case '/readyz':
      return isReady() ? say(response, 200, 'ready\n') : say(response, 503, 'not ready\n');
    default:
      return say(response, 404, 'try /metrics, /healthz or /readyz\n');
  }
}

function say(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
