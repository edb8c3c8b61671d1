import test, { type ExecutionContext } from 'ava';
import { ask, deadAuthority, get, inHttp10, isBadGateway, ok, request } from '../support/ask.ts';
import { proxyAuthorization } from '../support/connect.ts';
import { basicAuthentication, forwardProxy, usersSecret } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { connectPeer, type Message } from '../support/peer.ts';
import { fileScope } from '../support/scope.ts';
import { answering, startScriptedOrigin } from '../support/scripted-origin.ts';

// What may be changed in a message that passes, and what not: research/forward-and-mirror.md §5.4.
// One process serves the file.
const scope = fileScope();
const ports = { open: 0, closed: 0 };

test.before('a proxy for everyone, one with passwords', async () => {
  const authentication = basicAuthentication;
  const up = await startHeadgate(scope, {
    ports: 2,
    resources: ([open = 0, closed = 0]) =>
      forwardProxy({ name: 'open', port: open }) +
      forwardProxy({ name: 'closed', port: closed, spec: { authentication } }) +
      usersSecret({ alice: 'wonderland' }),
  });
  const [open = 0, closed = 0] = up.ports;
  Object.assign(ports, { open, closed });
});

/** What a request that reaches the origin looks like there; it is answered `ok`. */
async function seenByOrigin(t: ExecutionContext, text: (authority: string) => string) {
  const seen = Promise.withResolvers<Message>();
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    seen.resolve(await origin.message());
    origin.send(ok);
  });
  const answer = await ask(t, ports.open, text(authority));
  t.is(answer.status, 200);
  return seen.promise;
}

const hopByHop = [
  'X-Foo: 1',
  'Proxy-Connection: keep-alive',
  'Keep-Alive: timeout=5',
  'TE: trailers',
  'Trailer: X-Later',
  'Upgrade: foo/1',
];

test('H1: hop-by-hop fields, and those that Connection names, stay on this hop: to the origin', async (t) => {
  const seen = await seenByOrigin(t, (authority) =>
    get(authority, 'Connection: keep-alive, x-foo', ...hopByHop, 'X-Bar: 2'),
  );

  const names = seen.fields.map(([name]) => name.toLowerCase());
  t.deepEqual(names.toSorted(), ['connection', 'host', 'via', 'x-bar']);
  t.false((seen.field('connection') ?? '').includes('x-foo'));
});

test('H1: hop-by-hop fields, and those that Connection names, stay on this hop: to the client', async (t) => {
  const { authority } = await startScriptedOrigin(
    t,
    answering(
      `HTTP/1.1 200 OK\r\nConnection: x-foo\r\n${hopByHop.join('\r\n')}\r\nX-Bar: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Later: 1\r\n\r\n`,
    ),
  );

  const answer = await ask(t, ports.open, get(authority));

  t.is(answer.body, 'ok');
  t.is(answer.field('x-bar'), '2');
  for (const name of ['x-foo', 'proxy-connection', 'te', 'trailer', 'upgrade']) {
    t.is(answer.field(name), null, name);
  }
  t.false((answer.field('keep-alive') ?? '').includes('5'));
  t.false((answer.field('connection') ?? '').includes('x-foo'));
});

test('H2: credentials for the proxy end here, whether it asked for them or not', async (t) => {
  const seen: Message[] = [];
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    seen.push(await origin.message());
    origin.send(
      'HTTP/1.1 200 OK\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
    );
  });
  const { 'proxy-authorization': credentials } = proxyAuthorization('alice', 'wonderland');

  for (const port of [ports.closed, ports.open]) {
    const client = await connectPeer(t, port);
    client.send(
      get(authority, `Proxy-Authorization: ${credentials}`, 'Authorization: Basic b3duCg=='),
    );
    const answer = await client.message();
    t.is(answer.status, 200);
    t.is(answer.field('proxy-authenticate'), null);
  }

  t.is(seen.length, 2);
  for (const each of seen) {
    t.is(each.field('proxy-authorization'), null);
    t.is(each.field('authorization'), 'Basic b3duCg==');
  }
});

test('H3: Via is appended with the protocol each side spoke', async (t) => {
  const seen: Message[] = [];
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    seen.push(await origin.message());
    origin.send('HTTP/1.0 200 OK\r\nVia: 1.1 cdn\r\nContent-Length: 2\r\n\r\nok');
    origin.socket.end();
  });

  const first = await ask(t, ports.open, get(authority, 'Via: 1.0 fred'));
  const second = await ask(t, ports.open, inHttp10(get(authority)));

  t.deepEqual(
    seen.map((each) => each.field('via')),
    ['1.0 fred, 1.1 open.test', '1.0 open.test'],
  );
  t.is(first.field('via'), '1.1 cdn, 1.0 open.test');
  t.is(second.field('via'), '1.1 cdn, 1.0 open.test');
});

test('H4: order, case and repetition of fields are kept, nothing is merged or dropped', async (t) => {
  const sent = ['X-B: 1', 'x-a: 2', 'X-B: 3', 'Cookie: a=1', 'X-Unknown-Field: äöü', 'X-Empty:'];
  const returned = ['Set-Cookie: a=1', 'x-a: 2', 'Set-Cookie: b=2', 'X-B: \xe4', 'X-Empty:'];
  const seen = Promise.withResolvers<Message>();
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    seen.resolve(await origin.message());
    origin.send(`HTTP/1.1 200 OK\r\n${returned.join('\r\n')}\r\nContent-Length: 2\r\n\r\nok`);
  });

  const answer = await ask(t, ports.open, get(authority, ...sent));

  const lines = ({ fields }: Message) =>
    fields.map(([name, value]) => `${name}: ${value}`.trimEnd());
  const within = (message: Message, expected: readonly string[]) =>
    lines(message).filter((line) => expected.includes(line));
  t.deepEqual(within(await seen.promise, sent), sent);
  t.deepEqual(within(answer, returned), returned);
});

const upload = (authority: string) =>
  request('POST', authority, 'Expect: 100-continue', 'Content-Length: 5');

test('H5: a client that expects 100 gets it from here, though the origin is silent', async (t) => {
  const seen = Promise.withResolvers<Message>();
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    seen.resolve(await origin.message());
    origin.send(ok);
  });
  const client = await connectPeer(t, ports.open);

  client.send(upload(authority));
  const first = await client.message();
  client.send('hello');
  const second = await client.message();

  t.is(first.status, 100);
  t.is(second.status, 200);
  t.is((await seen.promise).field('expect'), null);
  t.is((await seen.promise).body, 'hello');
});

test('H5: with a dead origin the client gets 502 and no 100', async (t) => {
  const answer = await ask(t, ports.open, upload(await deadAuthority()));

  isBadGateway(t, answer, 'connection_refused');
});

test('H5: any other expectation is 417', async (t) => {
  const answer = await ask(t, ports.open, get('127.0.0.1:1', 'Expect: tea'));

  t.is(answer.status, 417);
  t.regex(answer.field('proxy-status') ?? '', /error=http_request_error/);
});

test('H5: HTTP/1.0 knows no 100: the expectation is ignored', async (t) => {
  const { authority } = await startScriptedOrigin(t, answering(ok));

  const answer = await ask(t, ports.open, `${inHttp10(upload(authority))}hello`);

  t.is(answer.status, 200);
});

const interim =
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n';

test('H6: interim answers go on to HTTP/1.1; a 100 nobody asked for is dropped', async (t) => {
  const { authority } = await startScriptedOrigin(t, answering(interim + ok));

  const { client, ...first } = await ask(t, ports.open, get(authority));
  const rest = [await client.message(), await client.message(), await client.message()];

  t.deepEqual(
    [first, ...rest].map(({ status }) => status),
    [103, 102, 103, 200],
  );
  t.is(first.field('link'), '</a>');
  t.is(rest[1]?.field('link'), '</b>');
});

test('H6: interim answers that come byte by byte are the same', async (t) => {
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    await origin.message();
    for (const byte of interim + ok) {
      await new Promise((resolve) => origin.socket.write(byte, resolve));
    }
  });

  const { client, ...first } = await ask(t, ports.open, get(authority));
  const rest = [await client.message(), await client.message(), await client.message()];

  t.deepEqual(
    [first, ...rest].map(({ status }) => status),
    [103, 102, 103, 200],
  );
});

test('H6: HTTP/1.0 gets no interim answer', async (t) => {
  const { authority } = await startScriptedOrigin(t, answering(interim + ok));

  const answer = await ask(t, ports.open, inHttp10(get(authority)));

  t.is(answer.status, 200);
});

const stray = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled';

const bodyless: ReadonlyArray<readonly [string, string, string]> = [
  ['HEAD', 'a body after HEAD', `HTTP/1.1 200 OK\r\nContent-Length: ${stray.length}\r\n\r\n`],
  ['GET', 'a body after 204', 'HTTP/1.1 204 No Content\r\n\r\n'],
  [
    'GET',
    'a body after 304',
    `HTTP/1.1 304 Not Modified\r\nContent-Length: ${stray.length}\r\n\r\n`,
  ],
];

for (const [method, title, head] of bodyless) {
  test(`H7: ${title} reaches nobody, and its connection is not used again`, async (t) => {
    const origin = await startScriptedOrigin(t, async (peer, index) => {
      await peer.message();
      peer.send(index === 0 ? head + stray : ok);
    });

    const { client, status } = await ask(t, ports.open, request(method, origin.authority), {
      bodyless: method === 'HEAD',
    });
    client.send(get(origin.authority));
    const next = await client.message();

    t.true([200, 204, 304].includes(status));
    t.is(next.body, 'ok');
    t.is(origin.connections.length, 2);
  });
}

for (const [method, head] of [
  ['HEAD', 'HTTP/1.1 200 OK'],
  ['GET', 'HTTP/1.1 304 Not Modified'],
] as const) {
  test(`H8: Content-Length of the answer to ${method} (${head}) is kept as received`, async (t) => {
    const { authority } = await startScriptedOrigin(
      t,
      answering(`${head}\r\nContent-Length: 1234\r\nETag: "a"\r\n\r\n`),
    );

    const { client, ...answer } = await ask(t, ports.open, request(method, authority), {
      bodyless: true,
    });
    client.send(request(method, authority));
    const again = await client.message({ bodyless: true });

    t.is(answer.field('content-length'), '1234');
    t.is(again.field('content-length'), '1234');
    t.is(client.unread, '');
  });
}

test('H11: HTTP/1.0 is answered in our version, unchunked, and the connection closes', async (t) => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
  const { authority } = await startScriptedOrigin(t, answering(chunked));
  const client = await connectPeer(t, ports.open);

  client.send(inHttp10(get(authority)));
  const answer = await client.message();

  t.true(answer.startLine.startsWith('HTTP/1.1 200'));
  t.is(answer.framing, 'close');
  t.is(answer.body, 'ok');
});

test('H11: HTTP/1.0 with keep-alive is kept when the length of the answer is known', async (t) => {
  const { authority } = await startScriptedOrigin(t, answering(ok));
  const client = await connectPeer(t, ports.open);
  const text = inHttp10(get(authority, 'Connection: keep-alive'));

  client.send(text);
  const first = await client.message();
  client.send(text);
  const second = await client.message();

  t.is(first.field('connection')?.toLowerCase(), 'keep-alive');
  t.is(second.body, 'ok');
});

test('H11: HTTP/1.0 with keep-alive closes when the length is not known', async (t) => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
  const { authority } = await startScriptedOrigin(t, answering(chunked));

  const answer = await ask(t, ports.open, inHttp10(get(authority, 'Connection: keep-alive')));

  t.is(answer.framing, 'close');
  t.is(answer.body, 'ok');
});

const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x'];

test('H12: an upgrade goes to the origin; after its 101 the connection is opaque', async (t) => {
  const seen = Promise.withResolvers<Message>();
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    seen.resolve(await origin.message());
    origin.send(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\n\x00early',
    );
    origin.send((await origin.bytes(5)).toUpperCase());
    origin.socket.end();
  });

  const { client, ...answer } = await ask(t, ports.open, get(authority, ...upgrade));
  client.send('hello');

  t.is(answer.status, 101);
  t.is(answer.field('upgrade'), 'websocket');
  t.is(answer.field('connection')?.toLowerCase(), 'upgrade');
  t.is(answer.field('x-a'), '1');
  t.deepEqual(await client.rest(), { text: '\x00earlyHELLO', end: 'fin' });
  const asked = await seen.promise;
  t.is(asked.field('connection')?.toLowerCase(), 'upgrade');
  t.is(asked.field('upgrade'), 'websocket');
  t.is(asked.field('sec-websocket-key'), 'x');
});

test('H12: an upgrade that the origin answers otherwise is an ordinary answer', async (t) => {
  const { authority } = await startScriptedOrigin(
    t,
    answering('HTTP/1.1 426 Upgrade Required\r\nX-A: 1\r\nContent-Length: 4\r\n\r\nnope'),
  );

  const answer = await ask(t, ports.open, get(authority, ...upgrade));

  t.is(answer.status, 426);
  t.is(answer.body, 'nope');
  t.is(answer.field('x-a'), '1');
});

test('H12: an upgrade at a dead origin is 502', async (t) => {
  isBadGateway(
    t,
    await ask(t, ports.open, get(await deadAuthority(), ...upgrade)),
    'connection_refused',
  );
});

const noUpgrades: ReadonlyArray<readonly [string, (authority: string) => string]> = [
  ['in HTTP/1.0 is ignored', (authority) => inHttp10(get(authority, ...upgrade))],
  ['that Connection does not name is ignored', (authority) => get(authority, 'Upgrade: websocket')],
  [
    'to h2c is stripped',
    (authority) =>
      get(
        authority,
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABk',
      ),
  ],
  [
    'with a body is an ordinary request',
    (authority) => `${get(authority, ...upgrade, 'Content-Length: 5')}hello`,
  ],
];

for (const [title, text] of noUpgrades) {
  test(`H13: an upgrade ${title}`, async (t) => {
    const seen = await seenByOrigin(t, text);

    t.is(seen.field('upgrade'), null);
    t.is(seen.field('http2-settings'), null);
    t.false(/upgrade/i.test(seen.field('connection') ?? ''));
    if (title.includes('body')) t.is(seen.body, 'hello');
  });
}

test('H17: ranges, conditions and content codings pass untouched', async (t) => {
  const fields = [
    'Range: bytes=0-3',
    'If-None-Match: "a", W/"b"',
    'If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT',
    'Accept-Encoding: gzip, br;q=0.5',
  ];
  const zipped = '\x1f\x8b\x08\x00\xff\xfe';
  const seen = Promise.withResolvers<Message>();
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    seen.resolve(await origin.message());
    origin.send(
      `HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-5/9\r\nETag: W/"b"\r\nContent-Length: ${zipped.length}\r\n\r\n${zipped}`,
    );
  });

  const answer = await ask(t, ports.open, get(authority, ...fields));

  for (const line of fields) {
    const [name = '', value = ''] = line.split(/: (.*)/);
    t.is((await seen.promise).field(name), value);
  }
  t.is(answer.status, 206);
  t.is(answer.field('content-encoding'), 'gzip');
  t.is(answer.field('content-range'), 'bytes 0-5/9');
  t.is(answer.field('etag'), 'W/"b"');
  t.is(answer.body, zipped);
});

test('H18: Date, Server and content are as the origin made them; a missing Date is added', async (t) => {
  const dated =
    'HTTP/1.1 200 Fine\r\nDate: Sat, 29 Oct 1994 19:43:31 GMT\r\nServer: x/1\r\nCache-Control: no-transform\r\nContent-Length: 2\r\n\r\nok';
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    await origin.message();
    origin.send(dated);
    await origin.message();
    origin.send(ok);
  });

  const { client, ...first } = await ask(t, ports.open, get(authority));
  client.send(get(authority));
  const second = await client.message();

  t.is(first.startLine, 'HTTP/1.1 200 Fine');
  t.is(first.field('date'), 'Sat, 29 Oct 1994 19:43:31 GMT');
  t.is(first.field('server'), 'x/1');
  t.is(first.field('cache-control'), 'no-transform');
  t.regex(second.field('date') ?? '', / GMT$/);
  t.is(second.field('server'), null);
});
