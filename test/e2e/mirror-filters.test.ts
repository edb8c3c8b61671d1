import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/ask.ts';
import { type Routes, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { connectPeer } from '../support/peer.ts';
import { type Recorder, seenIn, showing, startRecorder } from '../support/recorder.ts';
import { startRelay } from '../support/relay.ts';
import { answerText, type RequestParts, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';

// What backends get and clients are answered, as the filters of a rule want it. One process serves
// most of the file.
const scope = fileScope();

const under = (value: string) => [{ path: { type: 'PathPrefix', value } }];
const rewriting = (urlRewrite: unknown) => ({ filters: [{ type: 'URLRewrite', urlRewrite }] });

const rulesOf = (backend: Recorder) => [
  ruleTo(backend, {
    matches: under('/request'),
    filters: [
      {
        type: 'RequestHeaderModifier',
        requestHeaderModifier: {
          set: [{ name: 'X-Set', value: 'set' }],
          add: [{ name: 'X-Added', value: 'added' }],
          remove: ['X-Removed', 'Cookie'],
        },
      },
    ],
  }),
  ruleTo(backend, {
    matches: under('/response'),
    filters: [
      {
        type: 'ResponseHeaderModifier',
        responseHeaderModifier: {
          set: [{ name: 'Cache-Control', value: 'no-store' }],
          add: [{ name: 'Set-Cookie', value: 'c=3' }],
          remove: ['Server'],
        },
      },
    ],
  }),
  ruleTo(backend, {
    matches: under('/old'),
    ...rewriting({
      hostname: 'inside.example',
      path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new/' },
    }),
  }),
  ruleTo(backend, {
    matches: under('/strip'),
    ...rewriting({ path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } }),
  }),
  ruleTo(backend, {
    matches: under('/whole'),
    ...rewriting({ path: { type: 'ReplaceFullPath', replaceFullPath: '/one/page' } }),
  }),
];

let routes: Routes<'filters' | 'forwarded' | 'private'>;

test.before('routes, and a backend that tells what it was asked', async () => {
  const backend = await startRecorder(scope, (request) => {
    if (!request.startLine.includes('/response')) return showing('backend')(request);
    return answerText('ok', [
      'Server: hidden',
      'Set-Cookie: a=1',
      'Cache-Control: public',
      'Set-Cookie: b=2',
    ]);
  });
  const rules = rulesOf(backend);
  const open = [ruleTo(backend)];
  routes = await startRoutes(scope, {
    filters: { rules },
    forwarded: { forwardedHeader: 'Forwarded', rules: open },
    private: { forwardedHeader: 'None', via: { enabled: false }, rules: open },
  });
});

const asks = (t: ExecutionContext, parts: RequestParts) =>
  ask(t, routes.portOf.filters, requestText(parts));

test('fields of a request are removed, set and added', async (t) => {
  const answer = await asks(t, {
    target: '/request',
    fields: [
      'X-Set: 1',
      'x-set: 2',
      'X-Added: before',
      'x-removed: yes',
      'Cookie: a=1',
      'X-Kept: k',
    ],
  });

  const seen = seenIn(answer);
  t.is(seen.field('x-set'), 'set');
  t.is(seen.field('x-added'), 'before, added');
  t.is(seen.field('x-removed'), null);
  t.is(seen.field('cookie'), null);
  t.is(seen.field('x-kept'), 'k');
});

test('fields of an answer are removed, set and added, and no cookies are merged', async (t) => {
  const answer = await asks(t, { target: '/response' });

  t.is(answer.field('server'), null);
  t.is(answer.field('cache-control'), 'no-store');
  const cookies = answer.fields.filter(([name]) => name.toLowerCase() === 'set-cookie');
  t.deepEqual(
    cookies.map(([, value]) => value),
    ['a=1', 'b=2', 'c=3'],
  );
});

const rewritten: ReadonlyArray<readonly [string, string]> = [
  ['/old', '/new'],
  ['/old/', '/new/'],
  ['/old/a%2Fb//c?x=%zz&&y=/old/../old', '/new/a%2Fb//c?x=%zz&&y=/old/../old'],
  ['/strip', '/'],
  ['/strip?', '/?'],
  ['/strip/a/?b', '/a/?b'],
  ['/whole', '/one/page'],
  ['/whole/a?b=%20c?d', '/one/page?b=%20c?d'],
];

for (const [asked, got] of rewritten) {
  test(`${asked} is asked as ${got}`, async (t) => {
    const answer = await asks(t, { target: asked });

    t.is(seenIn(answer).startLine, `GET ${got} HTTP/1.1`);
  });
}

test('the Host is the one that was received, or the one the rule writes', async (t) => {
  const host = 'Shop.Example:8080';

  const kept = await asks(t, { target: '/whole', host });
  const written = await asks(t, { target: '/old', host });

  t.is(seenIn(kept).field('host'), host);
  t.is(seenIn(written).field('host'), 'inside.example');
});

test('a backend is told the client behind what the client said itself', async (t) => {
  const fields = ['X-Forwarded-For: 192.0.2.7', 'Forwarded: for=192.0.2.7'];

  const byDefault = await asks(t, { target: '/whole', fields });
  const forwarded = await ask(t, routes.portOf.forwarded, requestText({ fields }));
  const hidden = await ask(t, routes.portOf.private, requestText({ fields }));

  t.is(seenIn(byDefault).field('x-forwarded-for'), '192.0.2.7, 127.0.0.1');
  t.is(seenIn(forwarded).field('forwarded'), 'for=192.0.2.7, for=127.0.0.1');
  t.is(seenIn(forwarded).field('x-forwarded-for'), '192.0.2.7');
  t.is(seenIn(hidden).field('x-forwarded-for'), '192.0.2.7');
  t.is(seenIn(hidden).field('forwarded'), 'for=192.0.2.7');
});

test('Via is appended both ways, unless it is switched off', async (t) => {
  const fields = ['Via: 1.0 before'];

  const marked = await asks(t, { target: '/whole', fields });
  const silent = await ask(t, routes.portOf.private, requestText({ fields }));

  t.is(seenIn(marked).field('via'), '1.0 before, 1.1 filters.test');
  t.is(marked.field('via'), '1.1 filters.test');
  t.is(seenIn(silent).field('via'), '1.0 before');
  t.is(silent.field('via'), null);
});

test('two routes that send to each other: the second time round it is 502', async (t) => {
  const nobody = { authority: '192.0.2.1' };
  const two = await startRoutes(t, {
    one: { rules: [ruleTo(nobody)] },
    other: { rules: [ruleTo(nobody)] },
  });
  const to = async (name: 'one' | 'other') => {
    const { port } = await startRelay(t, two.portOf[name]); // no route dials the ports of its own pod
    return { rules: [ruleTo({ authority: `127.0.0.1:${port}` })] };
  };
  await two.up.apply(two.edited({ one: await to('other'), other: await to('one') }), 'other');

  const answer = await ask(t, two.portOf.one, requestText());

  t.is(answer.status, 502);
  t.regex(answer.field('proxy-status') ?? '', /^one\.test; error=proxy_loop_detected/);
  t.is(answer.field('via'), '1.1 other.test, 1.1 one.test');
});

const shares = [1, 3, 0] as const;

test('each of several backends gets its weight of the requests', async (t) => {
  const backends = await Promise.all(
    shares.map((_, at) => startRecorder(t, showing(`backend ${at}`))),
  );
  const { portOf } = await startRoutes(t, {
    weighted: {
      rules: [
        {
          backendRefs: backends.map(({ authority }, at) => ({
            url: `http://${authority}`,
            weight: shares[at],
          })),
        },
      ],
    },
  });
  const client = await connectPeer(t, portOf.weighted);
  const asked = 400;

  /** How many each got, of as many as are asked once. */
  async function askAll(): Promise<readonly number[]> {
    const before = backends.map(({ received }) => received.length);
    for (let count = 0; count < asked; count += 1) {
      client.send(requestText());
      t.is((await client.message()).status, 200);
    }
    return backends.map(({ received }, at) => received.length - (before[at] ?? 0));
  }

  // Three standard deviations, and a few tries for what chance does once in four hundred times.
  const tolerance = 3 * Math.sqrt(asked * 0.25 * 0.75);
  let gotten = await askAll();
  for (let tries = 1; tries < 5 && Math.abs((gotten[0] ?? 0) - asked / 4) > tolerance; tries += 1) {
    gotten = await askAll();
  }

  t.true(Math.abs((gotten[0] ?? 0) - asked / 4) <= tolerance, gotten.join(' '));
  t.is(gotten[2], 0);
});

test('where all weights are 0 requests are answered 500, for that is what was written', async (t) => {
  const backend = await startRecorder(t);
  const backendRefs = [{ url: `http://${backend.authority}`, weight: 0 }];
  const { portOf } = await startRoutes(t, { nobody: { rules: [{ backendRefs }] } });

  const answer = await ask(t, portOf.nobody, requestText());

  t.is(answer.status, 500);
  t.regex(answer.field('proxy-status') ?? '', /error=proxy_configuration_error/);
  t.is(backend.received.length, 0);
});
