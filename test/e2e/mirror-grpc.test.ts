import { once } from 'node:events';
import { ServerCredentials, status } from '@grpc/grpc-js';
import test from 'ava';
import { hasPython, python } from '../support/clients.ts';
import { untilCopies } from '../support/copy-counts.ts';
import {
  type GrpcServer,
  grpcPeer,
  openChat,
  startGrpcPeer,
  startGrpcServer,
} from '../support/grpc.ts';
import { caSecret, mirrorTo, startRoutes, tlsSecret } from '../support/mirror-route.ts';
import { nobody } from '../support/mirror-targets.ts';
import { run } from '../support/run.ts';
import { makeCertificates } from '../support/tls.ts';

// gRPC through a route: its clients and servers are those of gRPC's C library and of grpc-js.

const protocol = 'HTTP2';
const grpcTo = ({ authority }: Pick<GrpcServer, 'authority'>, parts: object = {}) => ({
  backendRefs: [{ url: `http://${authority}`, protocol }],
  ...parts,
});
const grpcMirror = ({ authority }: GrpcServer) =>
  mirrorTo({ authority }, { backendRef: { url: `http://${authority}`, protocol } });

const secured = ({ cert, key }: { readonly cert: string; readonly key: string }) =>
  ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) },
  ]);

/** What the C library's client says of one call of each kind. */
async function call(...args: readonly string[]): Promise<unknown> {
  const { stdout, stderr } = await run(python, [grpcPeer, 'call', ...args]);
  return stdout === '' ? stderr : JSON.parse(stdout);
}

const everything = {
  said: 'hello',
  trailers: ['one', 'two'],
  failed: ['FAILED_PRECONDITION', 'as you wish', 'asked to'],
  lengths: [1, 1_000, 1_000_000],
  unknown: 'UNIMPLEMENTED',
};

const withPython = hasPython ? test : test.skip;
const why = hasPython ? '' : ' (no .cache/venv: run hack/test once)';

withPython(`calls of every kind go to the backend and back, without TLS${why}`, async (t) => {
  const backend = await startGrpcPeer(t);
  const { portOf } = await startRoutes(t, { calls: { rules: [grpcTo(backend)] } });

  t.deepEqual(await call(`127.0.0.1:${portOf.calls}`), everything);

  const [asked] = backend.asked;
  t.is(asked?.metadata['x-asked'], 'for it');
});

withPython(
  'calls go over TLS, from clients as to backends, which have to offer HTTP/2',
  async (t) => {
    const { ca, caFile, cert, key } = await makeCertificates(t);
    const backend = await startGrpcServer(t, secured({ cert, key }));
    const tls = { caCertificateRefs: [{ name: 'backends' }] };
    const { portOf } = await startRoutes(
      t,
      {
        calls: {
          tls: { certificateRefs: [{ name: 'front' }] },
          rules: [{ backendRefs: [{ url: `https://localhost:${backend.port}`, protocol, tls }] }],
        },
      },
      { documents: tlsSecret('front', { cert, key }) + caSecret('backends', ca) },
    );

    const answer = await call(`localhost:${portOf.calls}`, caFile);

    t.like(answer, { said: 'hello', lengths: everything.lengths, unknown: 'UNIMPLEMENTED' });
    t.is(backend.asked[0]?.metadata['x-asked'], 'for it');
  },
);

withPython(`a mirror gets whole calls, whatever its answer${why}`, async (t) => {
  const [backend, mirror] = [await startGrpcServer(t), await startGrpcPeer(t)];
  const { up, portOf } = await startRoutes(t, {
    calls: { rules: [grpcTo(backend, { mirrors: [grpcMirror(mirror)] })] },
  });

  const answer = await call(`127.0.0.1:${portOf.calls}`);

  t.like(answer, { said: 'hello', lengths: everything.lengths, unknown: 'UNIMPLEMENTED' });
  // Say twice, Chat, Missing.
  await untilCopies(up, { resource: 'test/calls' }, { sent: { answered: 4 } });
  t.deepEqual(
    mirror.asked.map(({ said }) => said),
    ['hello', 'fail'],
  );
  const [copied] = mirror.asked;
  t.is(copied?.metadata['x-mirrored-by'], 'test/calls');
});

test('messages go both ways while a call lasts', async (t) => {
  const backend = await startGrpcServer(t);
  const { portOf } = await startRoutes(t, { calls: { rules: [grpcTo(backend)] } });
  const chat = openChat(t, `127.0.0.1:${portOf.calls}`);

  for (const said of ['one', 'two', 'three']) {
    chat.write(Buffer.from(said));
    const [echoed] = await once(chat, 'data');
    t.is(String(echoed), said);
  }
  chat.end();
  chat.resume();

  const [ended] = await once(chat, 'status');
  t.is(ended.code, status.OK);
});

test('a call that its client cancels is cancelled at the backend', async (t) => {
  const backend = await startGrpcServer(t);
  const { portOf } = await startRoutes(t, { calls: { rules: [grpcTo(backend)] } });
  const chat = openChat(t, `127.0.0.1:${portOf.calls}`);
  chat.on('error', () => undefined);
  chat.write(Buffer.from('one'));
  await once(chat, 'data');

  chat.cancel();

  await backend.cancelled;
  t.pass();
});

test('where nobody serves gRPC a call fails as unavailable', async (t) => {
  const { portOf } = await startRoutes(t, { calls: { rules: [grpcTo(nobody)] } });
  const chat = openChat(t, `127.0.0.1:${portOf.calls}`);

  const [failure] = await once(chat, 'error');

  t.is(failure.code, status.UNAVAILABLE);
});
