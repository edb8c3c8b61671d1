import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server } from 'node:net';
import { createSecureContext } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { makeCertificates } from '../../test/support/tls.ts';
import { openKubernetesApi } from './api-client.ts';

/** An API server that answers no PATCH before it is told to; `paths`: what it was asked for. */
async function startSlowServer(t: ExecutionContext) {
  const held: ServerResponse[] = [];
  const paths: string[] = [];
  const waiting = new Set<() => void>();
  let holds = true;
  const answer = (response: ServerResponse) =>
    response.end(JSON.stringify({ metadata: { name: 'one', resourceVersion: '1' } }));
  const server = createServer((request, response) => {
    paths.push(new URL(request.url ?? '', 'http://api').pathname);
    if (holds && request.method === 'PATCH') held.push(response);
    else answer(response);
    for (const look of waiting) look();
  });
  const access = {
    server: `http://127.0.0.1:${await listen(server)}`,
    namespace: 'default',
    credentials: async () => ({ headers: {}, tls: {}, agent: null }),
  };
  const api = openKubernetesApi({ access });
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    api,
    paths,
    /** Until so many have come. */
    asked(count: number): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => paths.length >= count && resolve();
      waiting.add(look);
      look();
      return promise;
    },
    answerAll() {
      holds = false;
      for (const response of held) answer(response);
    },
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  return address.port;
}

const atOnce = 32;
const names = Array.from({ length: atOnce + 8 }, (_, index) => `/objects/${index}`);

test('a lease is renewed however many writes wait for a slow API server', async (t) => {
  const { api, paths, asked, answerAll } = await startSlowServer(t);
  const writes = names.map((path) => api.mergePatch(path, {}));
  await asked(atOnce);

  await api.replace('/lease', {}, { urgent: true });

  t.is(paths.length, atOnce + 1);
  t.is(paths.at(-1), '/lease');
  answerAll();
  await Promise.all(writes);
});

test('what an operator wished to write while it led is not sent when its turn comes and it leads no more', async (t) => {
  const { api, paths, asked, answerAll } = await startSlowServer(t);
  let leads = true;
  const writes = names.map((path) =>
    api.mergePatch(path, {}, { mayStart: () => leads }).then(
      () => 'written',
      (error: Error) => error.message,
    ),
  );
  await asked(atOnce);

  leads = false;
  answerAll();
  const outcomes = await Promise.all(writes);

  t.is(paths.length, atOnce);
  t.deepEqual(
    outcomes.slice(atOnce),
    names.slice(atOnce).map((path) => `PATCH ${path}: not sent, for another may lead by now`),
  );
});

test('what an operator wished to write while it led is not sent on a connection that is ready after that', async (t) => {
  const { ca, ...certificate } = await makeCertificates(t);
  const context = createSecureContext(certificate);
  let leads = true;
  let requests = 0;
  const server = createTlsServer({
    SNICallback(_name, done) {
      leads = false;
      done(null, context);
    },
  });
  server.on('request', (_request, response) => {
    requests += 1;
    response.end(JSON.stringify({ metadata: { name: 'one', resourceVersion: '1' } }));
  });
  const access = {
    server: `https://localhost:${await listen(server)}`,
    namespace: 'default',
    credentials: async () => ({ headers: {}, tls: { ca }, agent: null }),
  };
  const api = openKubernetesApi({ access });
  t.teardown(async () => {
    await api[Symbol.asyncDispose]();
    server.close();
  });

  const message = 'PATCH /objects/1: not sent, for another may lead by now';
  await t.throwsAsync(api.mergePatch('/objects/1', {}, { mayStart: () => leads }), { message });
  t.is(requests, 0);
  leads = true;
  await api.mergePatch('/objects/1', {}, { mayStart: () => leads }).catch(() => undefined);
  t.is(leads, false, 'a connection that took nothing is not kept');

  await api.mergePatch('/objects/1', {});
  leads = true;
  await api.mergePatch('/objects/1', {}, { mayStart: () => leads });
  t.is(requests, 2, 'a kept connection is ready at once');
});
