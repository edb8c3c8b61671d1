import test from 'ava';
import { ask } from '../support/ask.ts';
import { type HeadgateUp, startHeadgate } from '../support/headgate-up.ts';
import { untilMetric } from '../support/metrics.ts';
import { asLateAs, caSecret, mirrorRoute } from '../support/mirror-route.ts';
import { startRecorder } from '../support/recorder.ts';
import { requestText } from '../support/route-request.ts';
import { makeAuthority } from '../support/tls.ts';

// CA certificates are Secrets, which come, go and change by themselves.

const url = ({ authority }: { readonly authority: string }) => `https://${authority}`;
const tls = { caCertificateRefs: [{ name: 'ca' }] };

async function routeOf(up: HeadgateUp) {
  const { stdout } = await up.cli('get', 'mr', 'route', '-n', 'test', '-o', 'json');
  const { metadata, status } = JSON.parse(stdout);
  const { conditions } = status as { readonly conditions: readonly { readonly type: string }[] };
  return { metadata, resolvedRefs: conditions.find(({ type }) => type === 'ResolvedRefs') };
}

/** Asks until the answer has this status: a Secret that changes tells nobody when it has arrived. */
async function untilStatus(t: Parameters<typeof ask>[0], up: HeadgateUp, status: number) {
  const startedMs = performance.now();
  for (;;) {
    const answer = await ask(t, up.port, requestText());
    answer.client.socket.destroy();
    if (answer.status === status) return;
    if (performance.now() - startedMs > 60_000) throw new Error(`it is still ${answer.status}`);
  }
}

test('a mirror whose CA certificates are not there gets no copies until they are', async (t) => {
  const authority = await makeAuthority(t);
  const [primary, mirror] = [
    await startRecorder(t),
    await startRecorder(t, undefined, await authority.issue()),
  ];
  const backendRefs = [{ url: `http://${primary.authority}` }];
  const mirrors = [{ name: 'canary', backendRef: { url: url(mirror) }, tls }];
  const up = await startHeadgate(t, {
    resources: ([port = 0]) => mirrorRoute('route', port, { rules: [{ backendRefs, mirrors }] }),
    env: asLateAs(0),
  });
  const labels = 'resource="test/route",rule="rule-1",mirror="canary"';

  t.is((await ask(t, up.port, requestText())).status, 200);
  await untilMetric(up, `headgate_mirror_skipped_total{${labels},reason="no_ca"}`, 1);
  t.like((await routeOf(up)).resolvedRefs, {
    status: 'False',
    reason: 'InvalidCACertificateRef',
    message:
      'mirror "canary" of rule-1 gets no copies: tls.caCertificateRefs[0]: there is no Secret test/ca',
  });

  await up.write(caSecret('ca', authority.ca), 'secrets.yaml');
  await up.stdout.next(
    (line) => line.startsWith('MirrorRoute/test/route Programmed'),
    up.stdout.all.length,
  );
  t.is((await ask(t, up.port, requestText({ target: '/copied' }))).status, 200);

  await untilMetric(up, `headgate_mirror_copies_total{${labels},outcome="answered"}`, 1);
  t.deepEqual(
    mirror.received.map(({ startLine }) => startLine),
    ['GET /copied HTTP/1.1'],
  );
  t.like(await routeOf(up), { metadata: { generation: 1 }, resolvedRefs: { status: 'True' } });
});

test('a backend whose CA certificates are not there refuses the version, and their change takes effect by itself', async (t) => {
  const [ours, other] = [await makeAuthority(t), await makeAuthority(t)];
  const backend = await startRecorder(t, undefined, await ours.issue());
  const backendRefs = [{ url: url(backend), tls }];
  const up = await startHeadgate(t, {
    resources: ([port = 0]) => mirrorRoute('route', port, { rules: [{ backendRefs }] }),
  });
  t.like((await routeOf(up)).resolvedRefs, {
    status: 'False',
    reason: 'InvalidCACertificateRef',
    message: 'spec.rules[0].backendRefs[0].tls.caCertificateRefs[0]: there is no Secret test/ca',
  });

  const from = up.stdout.all.length;
  await up.write(caSecret('ca', ours.ca), 'secrets.yaml');
  await up.stdout.next((line) => line.startsWith('MirrorRoute/test/route Programmed'), from);
  const { client, status } = await ask(t, up.port, requestText());
  t.is(status, 200);

  await up.write(caSecret('ca', other.ca), 'secrets.yaml');
  await untilStatus(t, up, 502);
  client.send(requestText());
  t.is((await client.message()).status, 502, 'a kept connection was trusted for what held before');

  await up.write(caSecret('ca', `${other.ca}${ours.ca}`), 'secrets.yaml');
  await untilStatus(t, up, 200);

  await up.write(caSecret('ca', 'none'), 'secrets.yaml');
  await up.stdout.next((line) => line.includes('has no PEM certificate in key "ca.crt"'), from);
  t.is((await ask(t, up.port, requestText())).status, 200, 'the last good version serves on');
  t.like(await routeOf(up), { metadata: { generation: 1 } });
});
