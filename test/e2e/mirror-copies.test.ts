import { networkInterfaces } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { ask, ok } from '../support/ask.ts';
import { copyCounts, untilCopies } from '../support/copy-counts.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { mirrorTo, type Routes, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { startOrigin } from '../support/origin.ts';
import { connectPeer, type Message } from '../support/peer.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { type RequestParts, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';

// The head of a copy: that of the request as the backend gets it, and what the mirror wants changed
// of it. One process serves the file; each case has a rule of its own in it.
const scope = fileScope();

type Parts = Readonly<Record<string, unknown>>;

type Case = {
  readonly title: string;
  readonly rule?: Parts;
  readonly mirror: Parts;
  readonly request: RequestParts;
  /** Of the copy. */
  readonly startLine?: string;
  readonly fields?: Readonly<Record<string, string | null>>;
  /** Of what the backend got. */
  readonly original?: Readonly<Record<string, string | null>>;
};

const replacing = (replacePrefixMatch: string) => ({
  type: 'URLRewrite',
  urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch } },
});
const adding = (name: string, value: string) => ({
  type: 'RequestHeaderModifier',
  requestHeaderModifier: { add: [{ name, value }] },
});

const cases: Readonly<Record<string, Case>> = {
  'replaced-path': {
    title: 'ReplaceFullPath is another path with the same query, as `replace` of APISIX',
    mirror: { path: { type: 'ReplaceFullPath', value: '/dev' } },
    request: { target: '/hello?a=%2F&b=?/..&&' },
    startLine: 'GET /dev?a=%2F&b=?/..&& HTTP/1.1',
  },
  'added-prefix': {
    title: 'AddPrefix stands before the whole path, as `prefix` of APISIX',
    mirror: { path: { type: 'AddPrefix', value: '/a' } },
    request: { target: '/hello?a=1' },
    startLine: 'GET /a/hello?a=1 HTTP/1.1',
  },
  'replaced-prefix': {
    title: 'ReplacePrefixMatch puts another prefix where the rule’s stood',
    rule: { prefix: '/shop' },
    mirror: { path: { type: 'ReplacePrefixMatch', value: '/v2/' } },
    request: { target: '/shop/cart?x' },
    startLine: 'GET /v2/cart?x HTTP/1.1',
  },
  'rewritten-path': {
    title: 'a path that the rule rewrites is rewritten for copies too',
    rule: { prefix: '/shop', filters: [replacing('/inside')] },
    mirror: {},
    request: { target: '/shop/cart' },
    startLine: 'GET /inside/cart HTTP/1.1',
  },
  'rewritten-twice': {
    title: 'the mirror’s own change comes after that',
    rule: { prefix: '/shop', filters: [replacing('/inside')] },
    mirror: { path: { type: 'ReplacePrefixMatch', value: '/canary' } },
    request: { target: '/shop/cart' },
    startLine: 'GET /canary/cart HTTP/1.1',
  },
  'kept-host': {
    title: 'the Host is kept unless something else is asked for',
    mirror: {},
    request: { host: 'Shop.Example:8080' },
    fields: { host: 'Shop.Example:8080' },
  },
  'literal-host': {
    title: 'hostname Literal is what is written',
    mirror: { hostname: { mode: 'Literal', value: 'canary.example:81' } },
    request: {},
    fields: { host: 'canary.example:81' },
  },
  'suffixed-host': {
    title: 'hostname Suffix goes before the port',
    mirror: { hostname: { mode: 'Suffix' } },
    request: { host: 'shop.example:8080' },
    fields: { host: 'shop.example-shadow:8080' },
  },
  'suffixed-address': {
    title: 'an address has no other name: it gets no suffix',
    mirror: { hostname: { mode: 'Suffix', value: '-copy' } },
    request: { host: '[::1]:8080' },
    fields: { host: '[::1]:8080' },
  },
  'changed-fields': {
    title: 'fields are changed in the copy only: credentials stay with the backend',
    mirror: {
      requestHeaderModifier: {
        remove: ['Authorization'],
        set: [{ name: 'X-Env', value: 'canary' }],
        add: [{ name: 'X-Tag', value: 'second' }],
      },
    },
    request: { fields: ['Authorization: Bearer secret', 'X-Env: live', 'X-Tag: first'] },
    fields: { authorization: null, 'x-env': 'canary', 'x-tag': 'first, second' },
    original: { authorization: 'Bearer secret', 'x-env': 'live', 'x-tag': 'first' },
  },
  'rule-fields': {
    title: 'what the rule adds for its backend the copy has too',
    rule: { filters: [adding('X-Rule', 'yes')] },
    mirror: {},
    request: {},
    fields: { 'x-rule': 'yes', 'x-forwarded-for': '127.0.0.1', via: '1.1 copies.test' },
  },
  'own-mark': {
    title: 'the mark can be another field with another value, beside those of others',
    mirror: { mark: { header: 'X-Shadow', value: 'of-shop' } },
    request: { fields: ['X-Shadow: of-somebody'] },
    fields: { 'x-shadow': 'of-somebody, of-shop', 'x-mirrored-by': null },
    original: { 'x-shadow': 'of-somebody' },
  },
  'no-mark': {
    title: 'the mark can be left out',
    mirror: { mark: { disabled: true } },
    request: {},
    fields: { 'x-mirrored-by': null },
  },
  'hop-fields': {
    title: 'fields of a hop are not copied, nor those that Connection names',
    mirror: {},
    request: {
      fields: [
        ...['Connection: X-Hop, close', 'X-Hop: 1', 'Keep-Alive: timeout=5', 'TE: trailers'],
        ...['Proxy-Connection: keep-alive', 'Proxy-Authorization: Basic eA=='],
      ],
    },
    fields: {
      ...{ connection: 'keep-alive', 'x-hop': null, 'keep-alive': null, te: null },
      ...{ 'proxy-connection': null, 'proxy-authorization': null },
    },
  },
};

let backend: Recorder;
let mirror: Recorder;
let routes: Routes<'copies' | 'plain'>;

/** One rule per case, which a field of the request chooses. */
function rulesOf(from: Recorder, to: Recorder) {
  return Object.entries(cases).map(([id, { rule = {}, mirror: parts }]) => {
    const { prefix: value = '/', ...rest } = rule;
    const matches = [
      { path: { type: 'PathPrefix', value }, headers: [{ name: 'X-Case', value: id }] },
    ];
    return ruleTo(from, { name: id, matches, ...rest, mirrors: [mirrorTo(to, parts)] });
  });
}

test.before('a route with a rule per case, a backend and a mirror', async () => {
  const dns = await startDnsServer(scope);
  dns.set('mirror.test', { A: ['127.0.0.1'] });
  [backend, mirror] = await Promise.all([startRecorder(scope), startRecorder(scope)]);
  const byName = { authority: `mirror.test:${mirror.port}` };
  const mirrors = [
    mirrorTo(mirror),
    mirrorTo(byName, { name: 'by-name', hostname: { mode: 'Backend' } }),
    mirrorTo({ authority: 'gone.test' }, { name: 'gone' }),
  ];
  routes = await startRoutes(
    scope,
    {
      copies: { rules: rulesOf(backend, mirror) },
      plain: { rules: [ruleTo(backend, { mirrors })] },
    },
    { args: ['--dns-server', dns.address] },
  );
});

const ofCase = (id: string) => (request: Message) => request.field('x-case') === id;

/** The request as its backend got it, and its copy. */
async function bothOf(t: ExecutionContext, id: string, request: RequestParts) {
  const fields = [...(request.fields ?? []), `X-Case: ${id}`];
  const { status } = await ask(t, routes.portOf.copies, requestText({ ...request, fields }));
  t.is(status, 200);
  return [await backend.got(ofCase(id)), await mirror.got(ofCase(id))] as const;
}

for (const [id, { title, request, startLine, fields = {}, original = {} }] of Object.entries(
  cases,
)) {
  test(title, async (t) => {
    const [received, copy] = await bothOf(t, id, request);

    if (startLine !== undefined) t.is(copy.startLine, startLine);
    for (const [name, value] of Object.entries(fields)) t.is(copy.field(name), value, name);
    for (const [name, value] of Object.entries(original)) t.is(received.field(name), value, name);
    t.is(received.field('x-mirrored-by'), null);
  });
}

test('all else a copy has of the request, in order, and the mark', async (t) => {
  const fields = [
    ...['Cookie: a=1', 'X-One: 1', 'Accept: */*', 'x-one: 2', 'Cookie: b=2', 'Range: bytes=0-'],
    'X-Case: all',
  ];
  const target = '/a%2Fb/../c;d?e=%zz';

  await ask(t, routes.portOf.plain, requestText({ method: 'DELETE', target, fields }));
  const original = await backend.got(ofCase('all'));
  const copy = await mirror.got(
    (request) => ofCase('all')(request) && request.field('host') === 'shop.example',
  );

  t.is(copy.startLine, `DELETE ${target} HTTP/1.1`);
  t.deepEqual(copy.fields, [...original.fields, ['X-Mirrored-By', 'test/plain']]);
});

test('a mirror may have a name; one whose name does not exist troubles nobody', async (t) => {
  const answer = await ask(t, routes.portOf.plain, requestText({ fields: ['X-Case: name'] }));
  const host = `mirror.test:${mirror.port}`;
  const copy = await mirror.got((one) => ofCase('name')(one) && one.field('host') === host);

  t.is(answer.status, 200);
  t.is(copy.startLine, 'GET / HTTP/1.1');
  const mirrors = { resource: 'test/plain', mirror: 'gone' };
  while ((await copyCounts(routes.up, mirrors)).skipped['dns'] === undefined);
});

test('hostname Backend of an IPv6 address is in brackets', async (t) => {
  if (!hasIpv6) return void t.pass('this machine has no ::1');
  const six = await startOrigin(t, { host: '::1' });
  const ipv6 = mirrorTo({ authority: `[::1]:${six.port}` }, { hostname: { mode: 'Backend' } });
  const { up, portOf } = await startRoutes(t, {
    six: { rules: [ruleTo(backend, { mirrors: [ipv6] })] },
  });

  t.is((await ask(t, portOf.six, requestText())).status, 200);

  await untilCopies(up, { resource: 'test/six' }, { sent: { answered: 1 } });
  t.is(six.requests[0]?.headers.host, `[::1]:${six.port}`);
});

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

test('a client that waits for 100 waits for the backend; the copy does not wait', async (t) => {
  const client = await connectPeer(t, routes.portOf.copies);
  const fields = ['Expect: 100-continue', 'Content-Length: 4', 'X-Case: no-mark'];
  client.send(requestText({ method: 'PUT', fields }));
  t.is((await client.head()).status, 100);
  client.send('late');

  t.is((await client.message()).body, ok.slice(-2));

  const copy = await mirror.got(({ startLine }) => startLine.startsWith('PUT'));
  t.is(copy.field('expect'), null);
  t.is(copy.body, 'late');
});
