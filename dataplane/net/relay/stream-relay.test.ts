import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type Peer, peerOf } from '../../../test/support/peer.ts';
import type { Relay, RelayEnd } from './relay.ts';
import { startStreamRelay } from './stream-relay.ts';

/** The two ends of a connection over loopback: a peer's, and ours. */
async function connection(t: ExecutionContext): Promise<readonly [peer: Socket, ours: Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const peer = connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true });
  const [ours]: Socket[] = await once(server, 'connection');
  server.close();
  if (ours === undefined) throw new Error('no connection');
  for (const socket of [peer, ours]) t.teardown(() => socket.destroy());
  return [peer, ours];
}

type Relayed = {
  readonly client: Peer;
  readonly upstream: Peer;
  /** Our two ends. */
  readonly ours: readonly [client: Socket, upstream: Socket];
  readonly relay: Relay;
  /** Every end that was told. */
  readonly ends: readonly RelayEnd[];
  readonly ended: Promise<RelayEnd>;
};

async function relayed(t: ExecutionContext): Promise<Relayed> {
  const [client, ourClient] = await connection(t);
  const [upstream, ourUpstream] = await connection(t);
  const ends: RelayEnd[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<RelayEnd>();
  const relay = startStreamRelay(ourClient, ourUpstream, (reason) => {
    ends.push(reason);
    resolve(reason);
  });
  return {
    client: peerOf(client),
    upstream: peerOf(upstream),
    ours: [ourClient, ourUpstream],
    relay,
    ends,
    ended,
  };
}

/** After all that is left to happen to both sockets, nothing was told twice. */
async function toldOnce(t: ExecutionContext, { ours, ends }: Relayed, reason: RelayEnd) {
  await Promise.all(ours.filter(({ closed }) => !closed).map((socket) => once(socket, 'close')));
  t.deepEqual(ends, [reason]);
}

test('what one side sends the other gets, both ways, and it is counted', async (t) => {
  const { client, upstream, relay } = await relayed(t);

  client.send('question');
  t.is(await upstream.bytes(8), 'question');
  upstream.send('the answer');
  t.is(await client.bytes(10), 'the answer');

  t.deepEqual(relay.bytes(), { received: 8, sent: 10 });
  t.false(relay.halfClosed());
});

test('C12: a server that speaks first is heard at once', async (t) => {
  const { client, upstream } = await relayed(t);

  upstream.send('SSH-2.0-x\r\n');

  t.is(await client.bytes(11), 'SSH-2.0-x\r\n');
});

test('what came before the relay began is not counted, but not lost either', async (t) => {
  const [client, ourClient] = await connection(t);
  const [upstream, ourUpstream] = await connection(t);
  client.write('head');
  ourClient.once('data', (head: Buffer) => {
    t.is(head.toString(), 'head');
    ourClient.pause();
    const relay = startStreamRelay(ourClient, ourUpstream, () => undefined);
    client.write('body');
    upstream.once('data', (body: Buffer) => {
      t.is(body.toString(), 'body');
      t.deepEqual(relay.bytes(), { received: 4, sent: 0 });
      upstream.end('bye');
    });
  });
  ourClient.resume();

  t.is(await peerOf(client).bytes(3), 'bye');
});

test('C13: a client that has finished sending still gets its answer', async (t) => {
  const all = await relayed(t);
  const { client, upstream, relay, ended } = all;

  client.socket.end('question');
  t.deepEqual(await upstream.rest(), { text: 'question', end: 'fin' });
  t.true(relay.halfClosed());
  upstream.send('the ');
  upstream.socket.end('answer');

  t.deepEqual(await client.rest(), { text: 'the answer', end: 'fin' });
  t.is(await ended, 'done');
  t.false(relay.halfClosed());
  await toldOnce(t, all, 'done');
});

test('C13: an upstream that has finished sending still gets the rest of an upload', async (t) => {
  const all = await relayed(t);
  const { client, upstream, relay, ended } = all;

  upstream.socket.end('go away');
  t.deepEqual(await client.rest(), { text: 'go away', end: 'fin' });
  t.true(relay.halfClosed());
  client.socket.end('the rest');

  t.deepEqual(await upstream.rest(), { text: 'the rest', end: 'fin' });
  t.is(await ended, 'done');
  await toldOnce(t, all, 'done');
});

for (const [who, reason] of [
  ['client', 'client_reset'],
  ['upstream', 'upstream_reset'],
] as const) {
  test(`C14: when the ${who} resets, the other side gets what was sent, then an end`, async (t) => {
    const all = await relayed(t);
    const resetting = all[who];
    const other = all[who === 'client' ? 'upstream' : 'client'];

    resetting.send('last words');
    await other.bytes(4);
    resetting.socket.resetAndDestroy();

    t.is((await other.rest()).text, ' words');
    t.is(await all.ended, reason);
    await toldOnce(t, all, reason);
  });

  test(`C14: a reset of the ${who} after its FIN is a reset all the same`, async (t) => {
    const all = await relayed(t);
    const resetting = all[who];
    const other = all[who === 'client' ? 'upstream' : 'client'];

    resetting.socket.end();
    await other.rest();
    resetting.socket.resetAndDestroy();
    // The reset shows when something is written to it.
    other.socket.on('error', () => undefined);
    const writing = setInterval(() => other.send('more'), 1);
    t.teardown(() => clearInterval(writing));

    t.is(await all.ended, reason);
    clearInterval(writing);
    await toldOnce(t, all, reason);
  });
}

test('a relay that is cut ends both sides at once, and once', async (t) => {
  const all = await relayed(t);
  const { client, upstream, relay, ended } = all;
  client.send('x');
  await upstream.bytes(1);

  relay.cut();
  relay.cut();

  t.is(await ended, 'cut');
  t.is((await client.rest()).text, '');
  t.is((await upstream.rest()).text, '');
  await toldOnce(t, all, 'cut');
  t.deepEqual(relay.bytes(), { received: 1, sent: 0 }, 'counts outlive the sockets');
});

test('a side already gone when the relay begins ends it', async (t) => {
  const [client, ourClient] = await connection(t);
  const [, ourUpstream] = await connection(t);
  ourClient.on('error', () => undefined);
  const { promise, resolve } = Promise.withResolvers<RelayEnd>();
  startStreamRelay(ourClient, ourUpstream, resolve);
  client.resetAndDestroy();

  t.is(await promise, 'client_reset');
});

const chunk = Buffer.alloc(64 * 1024, 'x');
const total = 32 * 1024 * 1024;

test('C15: a slow reader holds up the sender, not the memory', async (t) => {
  const [client, ourClient] = await connection(t);
  const [upstream, ourUpstream] = await connection(t);
  const ends: RelayEnd[] = [];
  startStreamRelay(ourClient, ourUpstream, (reason) => ends.push(reason));
  client.pause();
  let sent = 0;
  const send = () => {
    while (sent < total) {
      sent += chunk.length;
      if (!upstream.write(chunk)) return;
    }
    upstream.end();
  };
  upstream.on('drain', send);
  send();
  // Full all the way: our side no longer reads, because its client no longer takes anything.
  while (!ourUpstream.isPaused()) await new Promise(setImmediate);

  t.true(ourClient.writableLength <= 2 * 64 * 1024, `${ourClient.writableLength} bytes wait`);
  t.true(ourUpstream.bytesRead < total);

  let received = 0;
  let most = 0;
  client.on('data', (data: Buffer) => {
    received += data.length;
    most = Math.max(most, ourClient.writableLength);
  });
  client.resume();
  client.on('end', () => client.end());
  await once(client, 'end');

  t.is(received, total);
  t.true(most <= 2 * 64 * 1024, `${most} bytes waited`);
});
