import test from 'ava';
import { ask, isBadGateway } from '../support/ask.ts';
import { untilCopies } from '../support/copy-counts.ts';
import { caSecret, type RouteSpec, type Routes, startRoutes } from '../support/mirror-route.ts';
import { silent } from '../support/mirror-targets.ts';
import { startOrigin, startTcpOrigin } from '../support/origin.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';
import { service } from '../support/service.ts';
import { makeAuthority } from '../support/tls.ts';

// Whom a route trusts, and whom not: every certificate is checked, or nothing is sent. One process
// serves the file.
const scope = fileScope();

const trusted = { hostname: 'localhost', caCertificateRefs: [{ name: 'ca' }] };

/** Peers that a route which trusts `ca` for `localhost` must not speak to, and how that is told. */
const untrusted = {
  unknown: 'tls_certificate_error',
  expired: 'tls_certificate_error',
  misnamed: 'tls_certificate_error',
  plain: 'tls_protocol_error',
  http2: 'tls_alert_received',
  old: 'tls_alert_received',
  demanding: 'tls_alert_received',
  hung: 'connection_timeout',
} as const;
type Untrusted = keyof typeof untrusted;

type Name = 'kept' | 'terms' | 'service' | 'public' | 'address' | Untrusted | `copied-${Untrusted}`;

type Peer = {
  readonly authority: string;
  readonly received?: readonly unknown[];
  readonly requests?: readonly unknown[];
};

let routes: Routes<Name>;
let sound: Recorder;
let primary: Recorder;
let kept: Recorder;
/** What those who are not trusted were asked. */
const heard: (readonly unknown[])[] = [];

test.before('a route for each test', async () => {
  const [ours, other] = [await makeAuthority(scope), await makeAuthority(scope)];
  const leaf = await ours.issue({ names: ['shop.test.svc'] });
  const recorder = (tls: Parameters<typeof startRecorder>[2]) =>
    startRecorder(scope, undefined, tls);
  sound = await recorder({ ...leaf, ALPNProtocols: ['h2', 'http/1.1'] });
  kept = await recorder(leaf);
  primary = await recorder(null);
  const bad: Record<Untrusted, Peer> = {
    unknown: await recorder(await other.issue()),
    expired: await recorder(await ours.issue({ isExpired: true })),
    misnamed: await recorder(await ours.issue({ names: ['other.test'], isForeign: true })),
    plain: await startOrigin(scope),
    http2: await recorder({ ...leaf, ALPNProtocols: ['h2'] }),
    old: await recorder({ ...leaf, maxVersion: 'TLSv1.2' }),
    demanding: await recorder({ ...leaf, requestCert: true }),
    hung: await startTcpOrigin(scope, silent),
  };
  for (const peer of Object.values(bad)) {
    if (peer.received !== undefined) heard.push(peer.received);
    if (peer.requests !== undefined) heard.push(peer.requests);
  }

  const at = ({ authority }: { readonly authority: string }, tls: object = trusted) => ({
    url: `https://${authority}`,
    tls,
  });
  const specs: [string, RouteSpec][] = [];
  for (const [name, peer] of Object.entries(bad)) {
    const tls = name === 'old' ? { ...trusted, minVersion: 'TLS1.3' } : trusted;
    const { url } = at(peer);
    const timeouts = { connect: '1s' };
    specs.push([name, { timeouts, rules: [{ backendRefs: [{ url, tls }] }] }]);
    const mirrors = [{ name: 'canary', backendRef: { url }, tls, timeouts }];
    const backendRefs = [{ url: `http://${primary.authority}` }];
    specs.push([`copied-${name}`, { rules: [{ backendRefs, mirrors }] }]);
  }
  const under = (value: string) => [{ path: { value } }];
  routes = await startRoutes<Name>(
    scope,
    {
      ...(Object.fromEntries(specs) as Record<Untrusted | `copied-${Untrusted}`, RouteSpec>),
      kept: { rules: [{ backendRefs: [at(kept)] }] },
      terms: {
        rules: [
          { matches: under('/trusted'), backendRefs: [at(sound)] },
          {
            matches: under('/named'),
            backendRefs: [at(sound, { ...trusted, hostname: 'no.test' })],
          },
          { matches: under('/public'), backendRefs: [at(sound, { hostname: 'localhost' })] },
        ],
      },
      service: {
        rules: [
          {
            backendRefs: [{ name: 'shop', port: 80, tls: { caCertificateRefs: [{ name: 'ca' }] } }],
          },
        ],
      },
      public: { rules: [{ backendRefs: [{ url: `https://${sound.authority}` }] }] },
      address: { rules: [{ backendRefs: [at(sound, { caCertificateRefs: [{ name: 'ca' }] })] }] },
    },
    {
      documents: caSecret('ca', ours.ca) + service('shop', [sound.port]),
      // The environment has no say in whether certificates are checked.
      env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    },
  );
});

test('requests go over TLS, and keep their connection', async (t) => {
  const { client, ...first } = await ask(t, routes.portOf.kept, requestText({ target: '/1' }));
  client.send(requestText({ method: 'POST', target: '/2', body: 'hello' }));
  const second = await client.message();

  t.deepEqual([first.status, second.status], [200, 200]);
  t.deepEqual(
    kept.received.map(({ body }) => body),
    ['', 'hello'],
  );
  t.is(kept.sockets.size, 1);
});

for (const [name, code] of Object.entries(untrusted) as [Untrusted, string][]) {
  test(`a backend that is ${name} is answered ${code}`, async (t) => {
    const answer = await ask(t, routes.portOf[name], requestText({ target: `/${name}` }));

    if (code === 'connection_timeout') {
      t.is(answer.status, 504);
      t.regex(answer.field('proxy-status') ?? '', /error=connection_timeout/);
    } else isBadGateway(t, answer, code);
  });

  test(`R2: a mirror that is ${name} is one ${code}, and the primary is served`, async (t) => {
    const port = routes.portOf[`copied-${name}`];

    const answer = await ask(t, port, requestText({ target: `/${name}` }));

    t.is(answer.status, 200);
    const resource = `test/copied-${name}`;
    await untilCopies(routes.up, { resource }, { sent: { [code]: 1 } });
  });
}

test.after('whoever was not trusted was asked nothing', (t) => {
  t.is(heard.length, Object.keys(untrusted).length - 1);
  t.deepEqual(heard.flat(), []);
});

test('what a certificate is refused for is said, and who may sign it', async (t) => {
  const said = async (name: Untrusted) => (await ask(t, routes.portOf[name], requestText())).body;

  t.regex(await said('misnamed'), /the certificate is not for localhost \(127\.0\.0\.1 port \d+\)/);
  t.regex(await said('expired'), /the certificate has expired/);
  t.regex(await said('unknown'), /is signed by nobody who is trusted \(caCertificateRefs\)/);
});

test('one backend under other terms gets another connection', async (t) => {
  const { client, status } = await ask(t, routes.portOf.terms, requestText({ target: '/trusted' }));
  t.is(status, 200);

  for (const target of ['/named', '/public']) {
    client.send(requestText({ target }));
    isBadGateway(t, await client.message(), 'tls_certificate_error');
  }
  client.send(requestText({ target: '/trusted' }));
  t.is((await client.message()).status, 200);
});

test('who serves a Service has a certificate for its name', async (t) => {
  t.is((await ask(t, routes.portOf.service, requestText())).status, 200);
});

test('a URL with an address needs a certificate for that address', async (t) => {
  t.is((await ask(t, routes.portOf.address, requestText())).status, 200);
});

test('without CA certificates only public authorities are trusted', async (t) => {
  isBadGateway(t, await ask(t, routes.portOf.public, requestText()), 'tls_certificate_error');
});
