import { join } from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import test from 'ava';
import { basicAuthentication, forwardProxy, usersSecret } from '../support/forward-proxy.ts';
import { startGrpcServer } from '../support/grpc.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { run } from '../support/run.ts';
import { makeCertificates } from '../support/tls.ts';

const script = join(import.meta.dirname, '../clients/grpc-client.ts');
const everything = { said: 'hello', lengths: [1, 1_000, 1_000_000] };

test('gRPC without TLS (h2c) goes through CONNECT', async (t) => {
  const up = await startHeadgate(t, { resources: ([port = 0]) => forwardProxy({ port }) });
  const { port } = await startGrpcServer(t);

  const answer = await callThrough(`http://127.0.0.1:${up.port}`, `127.0.0.1:${port}`);

  t.deepEqual(answer, everything);
});

test('gRPC over TLS goes through CONNECT, with a password for the proxy', async (t) => {
  const { ca, caFile, cert, key } = await makeCertificates(t);
  const up = await startHeadgate(t, {
    resources: ([port = 0]) =>
      forwardProxy({ port, spec: { authentication: basicAuthentication } }) +
      usersSecret({ alice: 'wonderland' }),
  });
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
  const { port } = await startGrpcServer(t, ServerCredentials.createSsl(Buffer.from(ca), [pair]));

  const answer = await callThrough(
    `http://alice:wonderland@127.0.0.1:${up.port}`,
    `localhost:${port}`,
    caFile,
  );

  t.deepEqual(answer, everything);
});

async function callThrough(proxy: string, ...args: readonly string[]): Promise<unknown> {
  const { stdout, stderr } = await run(process.execPath, [script, ...args], {
    env: { grpc_proxy: proxy },
  });
  return stdout === '' ? stderr : JSON.parse(stdout);
}
