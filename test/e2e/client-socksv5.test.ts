import { once } from 'node:events';
import type { Socket } from 'node:net';
import util from 'node:util';
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

const { None, UserPassword } = socks.auth;

// The package logs in with the help of a function that Node 26 no longer has.
Object.assign(util, { isError: util.types.isNativeError });

test('the npm package socksv5 reaches an origin by a name that only the proxy knows', async (t) => {
  const { openPort, plain } = world;
  const socket = await connectThrough(openPort, None(), { host: 'origin.test', port: plain.port });

  t.regex(await get(socket), /^HTTP\/1\.1 200.*hello from the origin/s);
});

test('the npm package socksv5 passes with a password, and not with another', async (t) => {
  const { closedPort, plain } = world;
  const target = { host: '127.0.0.1', port: plain.port };
  const socket = await connectThrough(closedPort, UserPassword('alice', 'wonderland'), target);

  t.regex(await get(socket), /^HTTP\/1\.1 200.*hello from the origin/s);
  await t.throwsAsync(connectThrough(closedPort, UserPassword('alice', 'looking-glass'), target));
});

function connectThrough(
  proxyPort: number,
  authentication: ReturnType<typeof None>,
  target: { readonly host: string; readonly port: number },
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const auths = [authentication];
  const client = new socks.Client({ proxyHost: '127.0.0.1', proxyPort, localDNS: false, auths });
  client.once('error', reject);
  client.connect(target, resolve);
  return promise;
}

async function get(socket: Socket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n');
  return await readToEnd(socket);
}

async function readToEnd(socket: Socket): Promise<string> {
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
  });
  await once(socket, 'end');
  return received;
}
