import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/ask.ts';
import { type HeadgateUp, startHeadgate } from '../support/headgate-up.ts';
import { untilMetric } from '../support/metrics.ts';
import { asLateAs, mirrorRoute } from '../support/mirror-route.ts';
import { freePort } from '../support/ports.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { referenceGrant } from '../support/reference-grants.ts';
import { requestText } from '../support/route-request.ts';
import { service } from '../support/service.ts';

const toShop = { backendRefs: [{ name: 'shop', port: 80 }] };
const route = (port: number, rule: object = toShop) =>
  mirrorRoute('route', port, { rules: [rule] });

/** One that serves the Service `shop` by these backends. */
function startRoute(t: ExecutionContext, backends: readonly Pick<Recorder, 'port'>[]) {
  return startHeadgate(t, {
    resources: ([port = 0]) =>
      route(port) +
      service(
        'shop',
        backends.map((each) => each.port),
      ),
  });
}

async function statusesOf(t: ExecutionContext, up: HeadgateUp, texts: readonly string[]) {
  const statuses: number[] = [];
  for (const text of texts) statuses.push((await ask(t, up.port, text)).status);
  return statuses;
}

const ten = Array.from({ length: 10 }, (_, index) => requestText({ target: `/${index}` }));
const post = requestText({ method: 'POST', target: '/post', body: 'hello' });

test('requests for a Service go to those who serve it, in turn', async (t) => {
  const backends = [await startRecorder(t), await startRecorder(t)];
  const up = await startRoute(t, backends);

  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(200));

  const total = backends.reduce((sum, { received }) => sum + received.length, 0);
  t.is(total, 10);
  for (const { received } of backends) t.true(received.length >= 4, `${received.length}`);
});

test('an endpoint that comes gets requests, one that goes gets none, and no version is new', async (t) => {
  const [one, two] = [await startRecorder(t), await startRecorder(t)];
  const up = await startRoute(t, [one]);
  await statusesOf(t, up, ten);
  t.is(two.received.length, 0);

  await up.write(route(up.port) + service('shop', [two.port]));
  while (two.received.length === 0) await statusesOf(t, up, ten.slice(0, 1));
  const before = one.received.length;
  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(200));

  t.is(one.received.length, before);
  const { stdout } = await up.cli('get', 'mr', 'route', '-n', 'test', '-o', 'json');
  t.like(JSON.parse(stdout), { metadata: { generation: 1 } });
});

test('where an endpoint is gone before anybody says so, the next one is asked, body and all', async (t) => {
  const [one, two] = [await startRecorder(t), { port: await freePort() }];
  const up = await startRoute(t, [two, one]);

  t.deepEqual(await statusesOf(t, up, [...ten, post, post, post]), Array(13).fill(200));

  const posted = one.received.filter(({ startLine }) => startLine.startsWith('POST '));
  t.deepEqual(
    posted.map(({ body }) => body),
    ['hello', 'hello', 'hello'],
  );
});

test('a Service that nobody serves is answered 503, and said', async (t) => {
  const up = await startRoute(t, []);

  const answer = await ask(t, up.port, post);

  t.is(answer.status, 503);
  t.regex(answer.field('proxy-status') ?? '', /error=destination_unavailable.*shop\.test\.svc:80/);
});

test('a route whose Service is not there is refused until it is', async (t) => {
  const backend = await startRecorder(t);
  const up = await startHeadgate(t, { resources: ([port = 0]) => route(port) });
  const { stdout } = await up.cli('get', 'mr', 'route', '-n', 'test', '-o', 'json');
  const { conditions } = JSON.parse(stdout).status;
  const found = conditions.find(({ type }: { readonly type: string }) => type === 'ResolvedRefs');
  t.like(found, { status: 'False', reason: 'BackendNotFound' });
  t.regex(found.message, /backendRefs\[0\]: there is no Service test\/shop/);

  await up.apply(route(up.port) + service('shop', [backend.port]), 'test/route');

  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(200));
});

test('a mirror whose Service is not there gets nothing, and the primary does not notice', async (t) => {
  const [backend, mirror] = [await startRecorder(t), await startRecorder(t)];
  const mirrored = (port: number) =>
    route(port, {
      ...toShop,
      mirrors: [{ name: 'next', backendRef: { name: 'next', port: 80 } }],
    }) + service('shop', [backend.port]);
  const up = await startHeadgate(t, {
    resources: ([port = 0]) => mirrored(port),
    env: asLateAs(0),
  });
  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(200));
  const labels = 'resource="test/route",rule="rule-1",mirror="next"';
  await untilMetric(up, `headgate_mirror_skipped_total{${labels},reason="no_endpoint"}`, 10);
  const { stdout } = await up.cli('get', 'mr', 'route', '-n', 'test', '-o', 'json');
  t.regex(stdout, /mirror \\"next\\" of rule-1 gets no copies: there is no Service test\/next/);

  await up.apply(mirrored(up.port) + service('next', [mirror.port]), 'test/route');
  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(200));

  await untilMetric(up, `headgate_mirror_copies_total{${labels},outcome="answered"}`, 10);
  t.is(mirror.received.length, 10);
});

const grant = referenceGrant({ from: 'test', namespace: 'team-b' });
const toTeamB = { name: 'shop', namespace: 'team-b', port: 80 };

async function resolvedRefs(up: HeadgateUp) {
  const { stdout } = await up.cli('get', 'mr', 'route', '-n', 'test', '-o', 'json');
  const { conditions } = JSON.parse(stdout).status;
  return conditions.find(({ type }: { readonly type: string }) => type === 'ResolvedRefs');
}

test('a Service of another namespace is reached while a ReferenceGrant there permits it', async (t) => {
  const backend = await startRecorder(t);
  const shop = service('shop', [backend.port], 'team-b');
  const toShop = (port: number) => route(port, { backendRefs: [toTeamB] }) + shop;
  const up = await startHeadgate(t, { resources: ([port = 0]) => toShop(port) });
  const denied = await resolvedRefs(up);
  t.like(denied, { status: 'False', reason: 'RefNotPermitted' });
  t.regex(denied.message, /backendRefs\[0\]: Service team-b\/shop .* namespace team-b needs one/);

  await up.apply(toShop(up.port) + grant, 'test/route');
  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(200));

  await up.write(toShop(up.port));
  while ((await statusesOf(t, up, ten.slice(0, 1))).includes(200));
  const before = backend.received.length;
  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(503));
  t.is(backend.received.length, before);

  await up.apply(toShop(up.port) + grant, 'test/route');
  while (backend.received.length === before) await statusesOf(t, up, ten.slice(0, 1));
  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(200));
});

test('a grant with a mistake is told with its place, and takes nothing away', async (t) => {
  const backend = await startRecorder(t);
  const shop = service('shop', [backend.port], 'team-b');
  const toShop = (port: number) => route(port, { backendRefs: [toTeamB] }) + shop;
  const up = await startHeadgate(t, {
    resources: ([port = 0]) => toShop(port) + grant,
  });
  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(200));

  await up.write(toShop(up.port) + grant.replace('"to"', '"for"'));
  await up.stdout.next((line) => line.includes('spec.for: is not a known field'));
  while ((await resolvedRefs(up)).reason !== 'RefNotPermitted');

  t.regex((await resolvedRefs(up)).message, /the ReferenceGrant routes there has mistakes/);
  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(200));
});

test('a mirror that nobody permits gets no copies, and the route of the Service goes on', async (t) => {
  const [backend, mirror] = [await startRecorder(t), await startRecorder(t)];
  const resources = (ports: readonly number[]) => {
    const [port = 0, ownPort = 0] = ports;
    const mirrors = [{ name: 'next', backendRef: toTeamB }];
    const own = mirrorRoute('own', ownPort, { rules: [toShop] });
    return (
      route(port, { ...toShop, mirrors }) +
      own.replace('"namespace": "test"', '"namespace": "team-b"') +
      service('shop', [backend.port]) +
      service('shop', [mirror.port], 'team-b')
    );
  };
  const up = await startHeadgate(t, { ports: 2, resources, env: asLateAs(0) });
  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(200));
  t.like(await resolvedRefs(up), { status: 'False', reason: 'RefNotPermitted' });
  const labels = 'resource="test/route",rule="rule-1",mirror="next"';
  await untilMetric(up, `headgate_mirror_skipped_total{${labels},reason="no_endpoint"}`, 10);
  t.is((await ask(t, up.ports[1] ?? 0, post)).status, 200, 'team-b has its own Service');
  t.is(mirror.received.length, 1);

  await up.apply(resources(up.ports) + grant, 'test/route');
  t.deepEqual(await statusesOf(t, up, ten), Array(10).fill(200));
  await untilMetric(up, `headgate_mirror_copies_total{${labels},outcome="answered"}`, 10);

  t.is(mirror.received.length, 11);
  t.like(await resolvedRefs(up), { status: 'True' });
});
