import { once } from 'node:events';
import { connect, constants, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Http2Request } from './http2-request.ts';

/** A request whose client has said `half` of its body and no more, and the stream it came on. */
async function halfRequest(t: ExecutionContext) {
  const server = createServer();
  const began = once(server, 'stream');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens
  const session = connect(`http://127.0.0.1:${port}`);
  t.teardown(() => {
    session.destroy();
    server.close();
  });
  const sent = session.request({ ':method': 'POST' });
  sent.on('error', () => undefined);
  sent.resume();
  sent.write('half');
  const [stream, , , fields] = (await began) as [ServerHttp2Stream, unknown, unknown, string[]];
  stream.on('error', () => undefined);
  const request = new Http2Request(stream, fields);
  t.is(String((await once(request, 'data'))[0]), 'half');
  return { sent, stream, request };
}

test('a request is whole when its client has said so', async (t) => {
  const { sent, request } = await halfRequest(t);

  sent.end();
  await once(request, 'end');

  t.true(request.complete);
});

test('a request that was answered before its end, and dismissed, is not whole', async (t) => {
  const { stream, request } = await halfRequest(t);
  let ended = false;
  request.once('end', () => {
    ended = true;
  });

  stream.respond({ ':status': 403 });
  stream.end('no');
  stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
  await once(stream, 'close');
  await new Promise(setImmediate);

  t.false(request.complete);
  t.false(ended);
});
