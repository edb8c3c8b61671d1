import test, { type ExecutionContext } from 'ava';
import { pathOf, resourceTypes } from '../../operator/kubernetes/resource-types.ts';
import { forwardProxy } from '../support/forward-proxy.ts';
import type { KubeApi } from '../support/kube-api.ts';
import { mirrorRoute } from '../support/mirror-route.ts';
import { openApi } from '../support/open-api.ts';
import {
  operatorNamespace,
  startOperatorProcess,
  startWhatOperatorsNeed,
} from '../support/operator-process.ts';
import { installReferenceGrants, referenceGrant } from '../support/reference-grants.ts';

const proxy = (name: string, port = 3128) => forwardProxy({ namespace: 'default', name, port });

const waitFor = (kube: KubeApi, name: string, condition: string) =>
  kube.kubectl('wait', `--for=${condition}`, `forwardproxy/${name}`, '--timeout=60s');

/** Until there is an Event with this reason. */
async function eventSaying(t: ExecutionContext, kube: KubeApi, reason: string): Promise<void> {
  const api = await openApi(t, kube.kubeconfig);
  const path = pathOf(resourceTypes.events, { namespace: 'default' });
  const ended = new AbortController();
  const query = { resourceVersion: '0', timeoutSeconds: 60 };
  for await (const event of api.watch(path, query, ended.signal)) {
    if ('object' in event && event.object['reason'] === reason) return;
  }
  t.fail(`no event ${reason}`);
}

async function holder(kube: KubeApi): Promise<string> {
  const field = 'jsonpath={.spec.holderIdentity}';
  const lease = ['get', 'lease', 'headgate-operator', '--namespace', operatorNamespace];
  return await kube.kubectl(...lease, '-o', field);
}

test('an operator leads, records what is applied, says so, and leaves in order', async (t) => {
  const { kube, nats } = await startWhatOperatorsNeed(t);
  const operator = await startOperatorProcess(t, kube, nats.url);
  await operator.said('leading');
  t.is((await fetch(`${operator.admin}/readyz`)).status, 200);

  await kube.apply(proxy('egress'));
  await waitFor(kube, 'egress', 'condition=Accepted');
  await kube.kubectl(
    ...['wait', '--for=create', 'deployment/headgate-pool-default', '--timeout=60s'],
    ...['--namespace', operatorNamespace],
  );

  await eventSaying(t, kube, 'Configured');
  t.regex(await (await fetch(`${operator.admin}/metrics`)).text(), /\nheadgate_leader 1\n/);
  t.is(await operator.stop(), 0);
  t.is(await holder(kube), '');
});

test('a Service of another namespace is taken once a ReferenceGrant permits it, and given back', async (t) => {
  const { kube, nats } = await startWhatOperatorsNeed(t);
  const operator = await startOperatorProcess(t, kube, nats.url);
  await operator.said('leading');
  await kube.kubectl('create', 'namespace', 'team-b');
  await kube.kubectl('create', 'service', 'clusterip', 'shop', '--tcp=80', '-n', 'team-b');
  const backendRefs = [{ name: 'shop', namespace: 'team-b', port: 80 }];
  const waitForRefs = (field: string, value: string) =>
    kube.kubectl(
      ...['wait', 'mirrorroute/route', '-n', 'test', '--timeout=60s'],
      `--for=jsonpath={.status.conditions[?(@.type=="ResolvedRefs")].${field}}=${value}`,
    );

  await kube.kubectl('create', 'namespace', 'test');
  await kube.apply(mirrorRoute('route', 8080, { rules: [{ backendRefs }] }));
  await waitForRefs('reason', 'RefNotPermitted');
  await installReferenceGrants(kube, 'v1beta1');
  await kube.apply(referenceGrant({ from: 'test', namespace: 'team-b', version: 'v1beta1' }));
  await waitForRefs('status', 'True');
  await kube.kubectl('delete', 'referencegrant', 'routes', '-n', 'team-b');
  await waitForRefs('reason', 'RefNotPermitted');

  const message = 'jsonpath={.status.conditions[?(@.type=="ResolvedRefs")].message}';
  t.regex(
    await kube.kubectl('get', 'mirrorroute', 'route', '-n', 'test', '-o', message),
    /backendRefs\[0\]: Service team-b\/shop .* \(generation 1 stays in force\)/,
  );
});

test('of two operators one stands by, and leads as soon as the other is gone', async (t) => {
  const { kube, nats } = await startWhatOperatorsNeed(t);
  const first = await startOperatorProcess(t, kube, nats.url);
  await first.said('leading');
  const second = await startOperatorProcess(t, kube, nats.url);
  await second.said('everything is listed');
  t.is((await fetch(`${second.admin}/readyz`)).status, 200);
  await kube.apply(proxy('one'));
  await waitFor(kube, 'one', 'condition=Accepted');

  t.is(await first.stop(), 0);
  await second.said('leading');

  await kube.apply(proxy('two', 3129));
  await waitFor(kube, 'two', 'condition=Accepted');
  t.is(await second.stop(), 0);
});

test('with NATS away an operator is not ready, says what it waits for, and goes on when it comes', async (t) => {
  const { kube, nats } = await startWhatOperatorsNeed(t);
  await nats.kill();
  const operator = await startOperatorProcess(t, kube, nats.url);
  t.like(await operator.said('waiting'), { for: 'the log' });
  t.is((await fetch(`${operator.admin}/readyz`)).status, 503);

  await nats.start();
  await operator.said('leading');
  t.is((await fetch(`${operator.admin}/readyz`)).status, 200);
});

test('an operator whose lease is taken stands by, and leads again when it is free', async (t) => {
  const { kube, nats } = await startWhatOperatorsNeed(t);
  const operator = await startOperatorProcess(t, kube, nats.url);
  await operator.said('leading');
  const before = operator.lines.all.length;

  const patch = ['patch', 'lease', 'headgate-operator', '--namespace', operatorNamespace];
  const spec = (holderIdentity: string) => JSON.stringify({ spec: { holderIdentity } });
  await kube.kubectl(...patch, '--type=merge', `--patch=${spec('thief')}`);
  await operator.said('leads no longer', before);
  await kube.kubectl(...patch, '--type=merge', `--patch=${spec('')}`);
  await operator.said('leading', before);

  await kube.apply(proxy('egress'));
  await waitFor(kube, 'egress', 'condition=Accepted');
  t.is(await operator.stop(), 0);
});

test('a leader that is stopped beyond its lease and goes on harms nothing: each change is recorded once', async (t) => {
  const { kube, nats } = await startWhatOperatorsNeed(t);
  const first = await startOperatorProcess(t, kube, nats.url);
  await first.said('leading');
  const second = await startOperatorProcess(t, kube, nats.url);
  await second.said('everything is listed');
  await kube.apply(proxy('before'));
  await waitFor(kube, 'before', 'condition=Accepted');
  const from = first.lines.all.length;

  first.child.kill('SIGSTOP');
  await second.said('leading');
  first.child.kill('SIGCONT');
  await kube.apply(proxy('after', 3129));
  await first.said('leads no longer', from);
  await waitFor(kube, 'after', 'condition=Accepted');

  const recorded = [...first.lines.all, ...second.lines.all].filter((line) =>
    line.includes('"message":"recorded"'),
  );
  t.is(recorded.filter((line) => line.includes('default/before')).length, 1);
  t.is(recorded.filter((line) => line.includes('default/after')).length, 1);
  t.is((await fetch(`${first.admin}/readyz`)).status, 200);
});

test('a leader that is killed is followed by the other, which goes on where it was', async (t) => {
  const { kube, nats } = await startWhatOperatorsNeed(t);
  const first = await startOperatorProcess(t, kube, nats.url);
  await first.said('leading');
  await kube.apply(proxy('egress'));
  await waitFor(kube, 'egress', 'condition=Accepted');
  const second = await startOperatorProcess(t, kube, nats.url);
  await second.said('everything is listed');
  const version = () =>
    kube.kubectl('get', 'fp', 'egress', '-o', 'jsonpath={.status.configVersion}');
  const before = await version();

  await first.stop('SIGKILL');
  await second.said('leading');
  await second.said('everything is published');

  t.is(await version(), before);
  t.false(second.lines.all.some((line) => line.includes('"message":"recorded"')));
});
