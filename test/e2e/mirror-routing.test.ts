import test, { type ExecutionContext } from 'ava';
import { type Answered, ask } from '../support/ask.ts';
import { mirrorTo, type Routes, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { connectPeer } from '../support/peer.ts';
import { type Recorder, seenIn, showing, startRecorder } from '../support/recorder.ts';
import { type RequestParts, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';

// Which rule a request meets, and what its backend is asked then. One process serves the file.
const scope = fileScope();

/** Its answers say which rule it was. */
const named = (backend: Recorder, name: string, parts: Readonly<Record<string, unknown>> = {}) =>
  ruleTo(backend, {
    name,
    filters: [
      {
        type: 'ResponseHeaderModifier',
        responseHeaderModifier: { set: [{ name: 'X-Rule', value: name }] },
      },
    ],
    ...parts,
  });

const exact = (value: string) => ({ path: { type: 'Exact', value } });
const prefix = (value: string) => ({ path: { type: 'PathPrefix', value } });
const regex = (value: string) => ({ path: { type: 'RegularExpression', value } });
const version2 = { name: 'X-Version', value: '2' };
const beta = { name: 'X-Beta', value: 'ye[sp]', type: 'RegularExpression' };

const rulesOf = (backend: Recorder) => [
  named(backend, 'short', { matches: [prefix('/shop')] }),
  named(backend, 'long', { matches: [prefix('/shop/deep/')] }),
  named(backend, 'regex', { matches: [regex('/shop/deep/[0-9]+')] }),
  named(backend, 'exact', { matches: [exact('/shop/deep/1')] }),
  named(backend, 'method', { matches: [{ ...prefix('/shop'), method: 'POST' }] }),
  named(backend, 'header', { matches: [{ ...prefix('/shop'), headers: [version2] }] }),
  named(backend, 'headers', { matches: [{ ...prefix('/shop'), headers: [version2, beta] }] }),
  named(backend, 'query', {
    matches: [{ ...prefix('/shop'), queryParams: [{ name: 'color', value: 'deep red' }] }],
  }),
  named(backend, 'either', { matches: [exact('/one'), exact('/two')] }),
  named(backend, 'first', { matches: [prefix('/same')] }),
  named(backend, 'second', { matches: [prefix('/same')] }),
];

let backend: Recorder;
let routes: Routes<'rules' | 'hosts' | 'by-host' | 'anything'>;

test.before('routes and a backend that tells what it was asked', async () => {
  backend = await startRecorder(scope, showing('backend'));
  const mirror = await startRecorder(scope);
  routes = await startRoutes(scope, {
    rules: { rules: rulesOf(backend) },
    hosts: {
      hostnames: ['shop.example', '*.shop.example'],
      rules: [ruleTo(backend)],
    },
    'by-host': {
      rules: ['inner', 'open'].map((name) =>
        named(backend, name, {
          matches: [{ headers: [{ name: 'Host', value: `${name}.example` }] }],
        }),
      ),
    },
    anything: { rules: [ruleTo(backend, { mirrors: [mirrorTo(mirror)] })] },
  });
});

const askRules = (t: ExecutionContext, parts: RequestParts) =>
  ask(t, routes.portOf.rules, requestText(parts));

const precedence: ReadonlyArray<readonly [string, RequestParts, string]> = [
  ['a prefix is whole segments', { target: '/shop' }, 'short'],
  ['a prefix with a slash at its end is the one without', { target: '/shop/deep' }, 'long'],
  ['the longest prefix wins, wherever it stands', { target: '/shop/deep/down?a' }, 'long'],
  ['a regular expression wins over prefixes', { target: '/shop/deep/22?1' }, 'regex'],
  ['it has to match the whole path', { target: '/shop/deep/22/3' }, 'long'],
  ['an exact path wins over everything', { target: '/shop/deep/1?x=y' }, 'exact'],
  ['the method counts after the path', { target: '/shop/a', method: 'POST' }, 'method'],
  [
    'a method wins over headers',
    { target: '/shop', method: 'POST', fields: ['X-Version: 2'] },
    'method',
  ],
  ['a header that matches wins over none', { target: '/shop', fields: ['x-version: 2'] }, 'header'],
  ['one that does not match does not', { target: '/shop', fields: ['X-Version: 22'] }, 'short'],
  [
    'more headers win over fewer',
    { target: '/shop', fields: ['X-Version: 2', 'X-Beta: yes'] },
    'headers',
  ],
  ['query parameters are decoded', { target: '/shop?color=deep+re%64' }, 'query'],
  ['of one name the first counts', { target: '/shop?color=red&color=deep%20red' }, 'short'],
  [
    'headers win over query parameters',
    { target: '/shop?color=deep%20red', fields: ['X-Version: 2'] },
    'header',
  ],
  ['any match of a rule will do', { target: '/two' }, 'either'],
  ['among equals the rule that was written first wins', { target: '/same/thing' }, 'first'],
];

for (const [title, parts, rule] of precedence) {
  test(`rules: ${title}`, async (t) => {
    const answer = await askRules(t, parts);

    t.is(answer.status, 200);
    t.is(answer.field('x-rule'), rule);
  });
}

const nowhere: readonly RequestParts[] = [
  { target: '/' },
  { target: '/shopping' },
  { target: '/Shop' },
  { target: '/%73hop' },
  { target: '//shop' },
  { target: '/one/' },
  ...[
    '/shop/../one',
    '/shop/%2e%2E/one',
    '/shop/./x',
    '/shop\\..\\one',
    '/shop/..;a=b/one',
    '/shop/..',
  ].map((target) => ({ target })),
];

for (const parts of nowhere) {
  test(`rules: ${parts.target} matches none, and is answered 404`, async (t) => {
    const { client, ...answer } = await askRules(t, parts);

    t.is(answer.status, 404);
    t.regex(
      answer.field('proxy-status') ?? '',
      /^rules\.test; error=http_request_error; details="/,
    );
    t.is(answer.field('x-rule'), null);
    client.send(requestText({ target: '/one' }));
    t.is((await client.message()).status, 200, 'the connection is kept');
  });
}

const hosts: ReadonlyArray<readonly [string, number]> = [
  ['shop.example', 200],
  ['SHOP.Example:8080', 200],
  ['shop.example.', 200],
  ['eu.shop.example', 200],
  ['a.b.shop.example:1', 200],
  ['example', 404],
  ['notshop.example', 404],
  ['shop.example.org', 404],
  ['127.0.0.1', 404],
];

for (const [host, status] of hosts) {
  test(`hostnames: Host ${host} is answered ${status}`, async (t) => {
    const answer = await ask(t, routes.portOf.hosts, requestText({ host }));

    t.is(answer.status, status);
    if (status === 200) t.is(seenIn(answer).field('host'), host);
  });
}

test('hostnames: the authority of an absolute target wins over the Host field', async (t) => {
  const text = (authority: string, host: string) =>
    requestText({ target: `http://${authority}/a?b`, host });

  const meant = await ask(t, routes.portOf.hosts, text('eu.shop.example:81', 'elsewhere.example'));
  const notMeant = await ask(t, routes.portOf.hosts, text('elsewhere.example', 'shop.example'));

  t.is(seenIn(meant).startLine, 'GET /a?b HTTP/1.1');
  t.is(seenIn(meant).field('host'), 'eu.shop.example:81');
  t.is(notMeant.status, 404);
});

test('matches on Host take the authority of an absolute target for the Host', async (t) => {
  const text = (authority: string, host: string) =>
    requestText({ target: `http://${authority}/a`, host });

  const inner = await ask(t, routes.portOf['by-host'], text('inner.example', 'open.example'));
  const open = await ask(t, routes.portOf['by-host'], text('open.example', 'inner.example'));
  const neither = await ask(t, routes.portOf['by-host'], text('evil.example', 'inner.example'));

  t.is(inner.field('x-rule'), 'inner');
  t.is(open.field('x-rule'), 'open');
  t.is(neither.status, 404);
});

const untouched = [
  '/a/../b?c=/../d',
  '/%2e%2e//x;y=z?%zz&&=&a=%2F+',
  '//evil.example/',
  '/?',
  "/~!$&'()*+,;=:@",
];

for (const target of untouched) {
  test(`a route for everything passes ${target} on as it came`, async (t) => {
    const answer = await ask(t, routes.portOf.anything, requestText({ target }));

    t.is(seenIn(answer).startLine, `GET ${target} HTTP/1.1`);
  });
}

async function assertNotServed(t: ExecutionContext, answer: Answered): Promise<void> {
  t.is(answer.status, 405);
  t.is(answer.field('allow'), 'GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH');
  t.regex(answer.field('proxy-status') ?? '', /error=http_request_error/);
}

test('TRACE is refused: it would show credentials', async (t) => {
  const answer = await ask(t, routes.portOf.anything, requestText({ method: 'TRACE' }));

  await assertNotServed(t, answer);
});

test('CONNECT is refused, and nothing behind it is read', async (t) => {
  const connect = 'CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n';
  const after = requestText({ target: '/after-connect' });

  const answer = await ask(t, routes.portOf.anything, connect + after);

  await assertNotServed(t, answer);
  t.deepEqual(await answer.client.rest(), { text: '', end: 'fin' });
  t.false(backend.received.some(({ startLine }) => startLine.includes('/after-connect')));
});

test('OPTIONS * is answered by the route itself', async (t) => {
  const answer = await ask(
    t,
    routes.portOf.anything,
    requestText({ method: 'OPTIONS', target: '*' }),
  );

  t.is(answer.status, 200);
  t.is(answer.field('allow'), 'GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH');
});

test('OPTIONS of a path is for the backend', async (t) => {
  const answer = await ask(
    t,
    routes.portOf.anything,
    requestText({ method: 'OPTIONS', target: '/a' }),
  );

  t.is(seenIn(answer).startLine, 'OPTIONS /a HTTP/1.1');
});

for (const [title, text] of Object.entries({
  'GET *': requestText({ target: '*' }),
  'a target without a slash': requestText({ target: 'shop' }),
  https: requestText({ target: 'https://shop.example/' }),
  'user information': requestText({ target: 'http://u:p@shop.example/' }),
  'a fragment': requestText({ target: '/a#b' }),
})) {
  test(`a target that is none is refused: ${title}`, async (t) => {
    const client = await connectPeer(t, routes.portOf.anything);
    client.send(text + requestText({ target: '/smuggled' }));

    const answer = await client.message();

    t.is(answer.status, 400);
    t.is((await client.rest()).text, '');
  });
}
