import test, { type ExecutionContext } from 'ava';
import { ask, get, inHttp10, isBadGateway, ok, request } from '../support/ask.ts';
import { connectThrough } from '../support/connect.ts';
import { basicAuthentication, forwardProxy, usersSecret } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { fileScope } from '../support/scope.ts';
import { answering, startScriptedOrigin } from '../support/scripted-origin.ts';

// Origins that frame badly, break off or answer what they may not: research/forward-and-mirror.md
// §5.4. One process serves the file.
const scope = fileScope();
const ports = { open: 0, closed: 0, denying: 0 };

test.before('a proxy for everyone, one with passwords, one that denies', async () => {
  const rules = [{ name: 'nowhere', action: 'Deny', ports: ['1-65535'] }];
  const up = await startHeadgate(scope, {
    ports: 3,
    resources: ([open = 0, closed = 0, denying = 0]) =>
      forwardProxy({ name: 'open', port: open }) +
      forwardProxy({
        name: 'closed',
        port: closed,
        spec: { authentication: basicAuthentication },
      }) +
      forwardProxy({ name: 'denying', port: denying, spec: { egress: { rules } } }) +
      usersSecret({ alice: 'wonderland' }),
  });
  const [open = 0, closed = 0, denying = 0] = up.ports;
  Object.assign(ports, { open, closed, denying });
});

/** Bytes that would be somebody else's answer if their connection were used again. */
const stray = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled';

const unframed: Readonly<Record<string, string>> = {
  'Content-Length and Transfer-Encoding':
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'two different Content-Lengths':
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
  'a Content-Length that is no number': 'HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok',
  'a signed Content-Length': 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok',
};

for (const [title, answer] of Object.entries(unframed)) {
  test(`H9: an answer with ${title} is 502`, async (t) => {
    const { authority } = await startScriptedOrigin(t, answering(answer));

    isBadGateway(t, await ask(t, ports.open, get(authority)), 'http_protocol_error');
  });
}

const truncated: Readonly<Record<string, string>> = {
  'shorter than its Content-Length': 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort',
  'chunked and without its end':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n',
};

for (const [title, answer] of Object.entries(truncated)) {
  for (const how of ['FIN', 'RST'] as const) {
    test(`H9: an answer ${title} (${how}) is cut off at the client as well`, async (t) => {
      const delivered = Promise.withResolvers<void>();
      const { authority } = await startScriptedOrigin(t, async (origin) => {
        await origin.message();
        origin.send(answer);
        await delivered.promise;
        if (how === 'FIN') origin.socket.end();
        else origin.socket.resetAndDestroy();
      });
      const client = await connectPeer(t, ports.open);

      client.send(get(authority));
      const head = await client.head();
      await client.saw('short');
      delivered.resolve();

      t.is(head.status, 200);
      t.is((await client.rest()).end, 'reset');
    });
  }
}

test('H9: a bad chunk in the middle of an answer cuts the client off', async (t) => {
  const delivered = Promise.withResolvers<void>();
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    await origin.message();
    origin.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
    await delivered.promise;
    origin.send('zz\r\n');
  });
  const client = await connectPeer(t, ports.open);

  client.send(get(authority));
  await client.saw('first');
  delivered.resolve();

  t.is((await client.rest()).end, 'reset');
});

test('H9: what an origin sends beyond its Content-Length reaches nobody', async (t) => {
  const origin = await startScriptedOrigin(t, async (peer, index) => {
    await peer.message();
    peer.send(index === 0 ? ok + stray : ok);
  });

  const { client, ...first } = await ask(t, ports.open, get(origin.authority));
  client.send(get(origin.authority));
  const second = await client.message();

  t.is(first.body, 'ok');
  t.is(second.body, 'ok');
  t.is(origin.connections.length, 2);
});

/** An answer without a length, in two pieces; then its connection ends. */
async function untilClosed(t: ExecutionContext, how: 'FIN' | 'RST', version: '1.0' | '1.1') {
  const delivered = Promise.withResolvers<void>();
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    await origin.message();
    origin.send('HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nbody');
    await delivered.promise;
    if (how === 'FIN') origin.socket.end(' end');
    else origin.socket.resetAndDestroy();
  });
  const client = await connectPeer(t, ports.open);
  const text = get(authority);
  client.send(version === '1.0' ? inHttp10(text) : text);
  const head = await client.head();
  await client.saw('body');
  delivered.resolve();
  return { head, rest: await untilEnd(client) };
}

/** To the last chunk, or the end of the connection. */
async function untilEnd(client: Peer): Promise<{ text: string; end: string }> {
  for (;;) {
    if (client.unread.endsWith('0\r\n\r\n')) return { text: client.unread, end: 'kept' };
    if (client.socket.readableEnded || client.socket.destroyed) return client.rest();
    await new Promise((resolve) => {
      client.socket.once('data', resolve);
      client.socket.once('close', resolve);
      client.socket.once('end', resolve);
    });
  }
}

test('H10: an answer that ends with its connection is chunked to HTTP/1.1', async (t) => {
  const { head, rest } = await untilClosed(t, 'FIN', '1.1');

  t.is(head.field('transfer-encoding'), 'chunked');
  t.deepEqual(rest, { text: '4\r\nbody\r\n4\r\n end\r\n0\r\n\r\n', end: 'kept' });
});

test('H10: to HTTP/1.0 it ends with the connection', async (t) => {
  const { head, rest } = await untilClosed(t, 'FIN', '1.0');

  t.is(head.field('transfer-encoding'), null);
  t.deepEqual(rest, { text: 'body end', end: 'fin' });
});

for (const version of ['1.0', '1.1'] as const) {
  test(`H10: broken off by a reset it is broken off to HTTP/${version}`, async (t) => {
    const { rest } = await untilClosed(t, 'RST', version);

    t.is(rest.end, 'reset');
    t.false(rest.text.includes('0\r\n\r\n'));
  });
}

test('H14: a 101 nobody asked for is 502', async (t) => {
  const { authority } = await startScriptedOrigin(
    t,
    answering('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbytes'),
  );

  isBadGateway(t, await ask(t, ports.open, get(authority)), 'http_protocol_error');
});

test('H15: a final answer in the middle of an upload is passed on at once, and both sides close', async (t) => {
  const origin = await startScriptedOrigin(t, async (peer) => {
    await peer.head();
    await peer.bytes(5);
    peer.send('HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nstop');
    await peer.rest();
    peer.socket.end();
  });
  const client = await connectPeer(t, ports.open);

  client.send(`${request('POST', origin.authority, 'Content-Length: 1000000')}hello`);
  const answer = await client.message();

  t.is(answer.status, 413);
  t.is(answer.body, 'stop');
  t.is(answer.field('connection')?.toLowerCase(), 'close');
  t.is((await client.rest()).end, 'fin');
});

/** An origin whose first connection dies under the second request on it. */
async function dyingOrigin(t: ExecutionContext, how: 'FIN' | 'RST') {
  const seen: string[] = [];
  const origin = await startScriptedOrigin(t, async (peer, index) => {
    for (let turn = 0; ; turn++) {
      const { startLine } = await peer.message();
      seen.push(startLine);
      if (index === 0 && turn === 1) break;
      peer.send(ok);
    }
    if (how === 'FIN') peer.socket.end();
    else peer.socket.resetAndDestroy();
  });
  const client = await connectPeer(t, ports.open);
  client.send(get(origin.authority));
  t.is((await client.message()).body, 'ok');
  return { client, origin, seen };
}

for (const how of ['FIN', 'RST'] as const) {
  test(`H16: a GET on a kept connection that dies (${how}) is sent once more`, async (t) => {
    const { client, origin, seen } = await dyingOrigin(t, how);

    client.send(get(origin.authority));

    t.is((await client.message()).body, 'ok');
    t.is(seen.length, 3);
  });

  test(`H16: a POST on a kept connection that dies (${how}) is 502 and never sent again`, async (t) => {
    const { client, origin, seen } = await dyingOrigin(t, how);

    client.send(`${request('POST', origin.authority, 'Content-Length: 5')}hello`);

    isBadGateway(t, await client.message(), 'connection_terminated');
    t.is(seen.filter((line) => line.startsWith('POST')).length, 1);
  });
}

const badHeads: ReadonlyArray<readonly [string, string, string]> = [
  [
    '20 KB of fields',
    `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`,
    'http_response_header_section_size',
  ],
  [
    '10 MB of fields',
    `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(10_000_000)}\r\n\r\n`,
    'http_response_header_section_size',
  ],
  [
    'a NUL in a field',
    'HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 0\r\n\r\n',
    'http_protocol_error',
  ],
  [
    'a folded field',
    'HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 0\r\n\r\n',
    'http_protocol_error',
  ],
  [
    'a bare CR in a field',
    'HTTP/1.1 200 OK\r\nX-A: a\rb\r\nContent-Length: 0\r\n\r\n',
    'http_protocol_error',
  ],
  ['lines that end in LF', 'HTTP/1.1 200 OK\nX-A: a\nContent-Length: 0\n\n', 'http_protocol_error'],
  [
    'a blank before a colon',
    'HTTP/1.1 200 OK\r\nX-A : a\r\nContent-Length: 0\r\n\r\n',
    'http_protocol_error',
  ],
  ['status 099', 'HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n', 'http_protocol_error'],
  ['status 1000', 'HTTP/1.1 1000 No\r\nContent-Length: 0\r\n\r\n', 'http_protocol_error'],
  ['status abc', 'HTTP/1.1 abc No\r\nContent-Length: 0\r\n\r\n', 'http_protocol_error'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n', 'http_protocol_error'],
  ['no HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n', 'http_protocol_error'],
];

for (const [title, answer, code] of badHeads) {
  test(`H19: an answer with ${title} is 502, and the proxy lives`, async (t) => {
    const { authority } = await startScriptedOrigin(t, answering(answer));
    const { authority: sound } = await startScriptedOrigin(t, answering(ok));

    const { client, ...refused } = await ask(t, ports.open, get(authority));
    client.send(get(sound));

    isBadGateway(t, refused, code);
    t.is((await client.message()).body, 'ok');
  });
}

test('H20: policy is answered 403, and the answer names the rule', async (t) => {
  const client = await connectPeer(t, ports.denying);
  client.send(get('127.0.0.1:8'));
  const plain = await client.message();
  const tunnel = await connectThrough(ports.denying, '127.0.0.1:443');
  t.teardown(() => tunnel.socket.destroy());

  t.is(plain.status, 403);
  t.regex(plain.field('proxy-status') ?? '', /error=http_request_denied/);
  t.regex(plain.body, /rule "nowhere"/);
  t.is(tunnel.status, 403);
});

test('H20: 407 always comes with a challenge', async (t) => {
  const client = await connectPeer(t, ports.closed);
  client.send(get('127.0.0.1:8'));
  const plain = await client.message();
  const tunnel = await connectThrough(ports.closed, '127.0.0.1:443');
  t.teardown(() => tunnel.socket.destroy());

  t.is(plain.status, 407);
  t.regex(plain.field('proxy-authenticate') ?? '', /^Basic realm="/);
  t.is(tunnel.status, 407);
  t.regex(tunnel.message.headers['proxy-authenticate'] ?? '', /^Basic realm="/);
});

test('H20: an origin cannot ask for the proxy password: its 407 is 502', async (t) => {
  const { authority } = await startScriptedOrigin(
    t,
    answering(
      'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
    ),
  );

  isBadGateway(t, await ask(t, ports.open, get(authority)), 'http_protocol_error');
});

test("H20: an origin's 421 is its own and passes", async (t) => {
  const { authority } = await startScriptedOrigin(
    t,
    answering('HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n'),
  );

  t.is((await ask(t, ports.open, get(authority))).status, 421);
});

for (const [title, fields, part] of [
  ['by length', 'Content-Length: 100', 'hello'],
  ['in chunks', 'Transfer-Encoding: chunked', '5\r\nhello\r\n'],
] as const) {
  test(`H21: an upload ${title} that the client breaks off is broken off at the origin`, async (t) => {
    const arrived = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<string>();
    const { authority, connections } = await startScriptedOrigin(t, async (origin, index) => {
      if (index > 0) return answering(ok)(origin);
      await origin.head();
      await origin.saw('hello');
      arrived.resolve();
      const { text, end } = await origin.rest();
      ended.resolve(text.includes('0\r\n\r\n') ? 'whole' : end);
    });
    const client = await connectPeer(t, ports.open);

    client.send(request('POST', authority, fields) + part);
    await arrived.promise;
    client.socket.resetAndDestroy();

    t.true(['fin', 'reset'].includes(await ended.promise));
    t.is((await ask(t, ports.open, get(authority))).body, 'ok');
    t.is(connections.length, 2);
  });
}
