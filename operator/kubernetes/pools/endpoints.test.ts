import test from 'ava';
import { leadOnlyTo, selectsPool } from './endpoints.ts';
import { podLabels } from './pod-template.ts';

const metadata = { name: 'a', resourceVersion: '1' };
const poolOf = (pod: string) => pod.split('/')[0] ?? null;
const to = (...pods: readonly string[]) => ({
  metadata,
  endpoints: pods.map((name) => ({ conditions: { ready: true }, targetRef: { name } })),
});

test('endpoints in several slices all have to be pods of the pool', (t) => {
  t.true(leadOnlyTo('b', [to('b/1'), to('b/2')], poolOf));
  t.false(leadOnlyTo('b', [to('b/1'), to('a/1')], poolOf));
});

test('no endpoints, unready ones or such that are no pods lead nowhere yet', (t) => {
  t.false(leadOnlyTo('b', [], poolOf));
  t.false(leadOnlyTo('b', [{ metadata, endpoints: null }], poolOf));
  t.false(leadOnlyTo('b', [{ metadata, endpoints: [{ addresses: ['10.0.0.1'] }] }], poolOf));
  const unready = { conditions: { ready: false }, targetRef: { name: 'b/1' } };
  t.false(leadOnlyTo('b', [{ metadata, endpoints: [unready] }], poolOf));
  t.true(leadOnlyTo('b', [{ metadata, endpoints: [unready] }, to('b/2')], poolOf));
});

test('a Service selects a pool with exactly the labels of its pods', (t) => {
  const service = (selector: unknown) => ({ metadata, spec: { selector } });

  t.true(selectsPool(service(podLabels('b')), 'b'));
  t.false(selectsPool(service(podLabels('a')), 'b'));
  t.false(selectsPool(service({ ...podLabels('b'), more: 'x' }), 'b'));
  t.false(selectsPool(service(undefined), 'b'));
});
