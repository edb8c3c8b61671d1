import { once } from 'node:events';
import type { Socket } from 'node:net';
import test from 'ava';
import socks from 'socksv5';
import { type ClientWorld, startClientWorld } from '../support/client-world.ts';
import { fileScope } from '../support/scope.ts';

// As a client only: docs/decisions say why it serves nothing here.
const scope = fileScope();
let world: ClientWorld;

test.before('a proxy, two origins and a name server', async () => {
  world = await startClientWorld(scope);
});

const request = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

test('the npm package socksv5 reaches an origin by a name that only the proxy knows', async (t) => {
  const { openPort, plain } = world;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const target = { host: 'origin.test', port: plain.port, localDNS: false };
  const proxy = { proxyHost: '127.0.0.1', proxyPort: openPort, auths: [socks.auth.None()] };
  socks.connect({ ...target, ...proxy }, resolve).once('error', reject);
  const socket = await promise;

  socket.write(request('origin.test'));

  t.regex(await readToEnd(socket), /^HTTP\/1\.1 200.*hello from the origin/s);
});

test('the npm package socksv5 passes with a password', async (t) => {
  const { closedPort, plain } = world;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const target = { host: '127.0.0.1', port: plain.port, localDNS: false };
  const auths = [socks.auth.UserPassword('alice', 'wonderland')];
  socks
    .connect({ ...target, proxyHost: '127.0.0.1', proxyPort: closedPort, auths }, resolve)
    .once('error', reject);
  const socket = await promise;

  socket.write(request('127.0.0.1'));

  t.regex(await readToEnd(socket), /^HTTP\/1\.1 200.*hello from the origin/s);
});

async function readToEnd(socket: Socket): Promise<string> {
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
  });
  await once(socket, 'end');
  return received;
}
