import test from 'ava';
import { isAsWished } from './drift.ts';

test('what the API server or others have filled in is no drift', (t) => {
  const live = {
    spec: { type: 'ClusterIP', clusterIP: '10.0.0.1', ports: [{ port: 1, nodePort: 3 }] },
    metadata: { labels: { ours: 'a', theirs: 'b' } },
  };

  t.true(isAsWished(live, { spec: { ports: [{ port: 1 }] }, metadata: { labels: { ours: 'a' } } }));
});

test('another value, a missing field and a missing item are drift', (t) => {
  t.false(isAsWished({ a: 2 }, { a: 1 }));
  t.false(isAsWished({}, { a: 1 }));
  t.false(isAsWished({ a: null }, { a: { b: 1 } }));
  t.false(isAsWished({ args: ['x', 'y'] }, { args: ['x'] }));
  t.false(isAsWished({ env: [{ name: 'b', value: '1' }] }, { env: [{ name: 'a', value: '1' }] }));
});

test('others may add containers, but no ports to a Service and nothing to its selector', (t) => {
  const ours = { name: 'ours', image: 'a' };

  t.true(isAsWished({ containers: [{ name: 'theirs' }, ours] }, { containers: [ours] }));
  t.false(
    isAsWished(
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 2 },
        ],
      },
      { ports: [{ name: 'a', port: 1 }] },
    ),
  );
  t.false(isAsWished({ selector: { pool: 'a', more: 'b' } }, { selector: { pool: 'a' } }));
});

test('quantities are compared by what they come to', (t) => {
  const live = { limits: { cpu: '1', memory: '512Mi', 'example.com/gpu': '2' } };

  t.true(isAsWished(live, { limits: { cpu: '1000m', memory: '0.5Gi', 'example.com/gpu': 2 } }));
  t.true(isAsWished({ requests: { cpu: '300m' } }, { requests: { cpu: 0.3 } }));
  t.false(isAsWished(live, { limits: { cpu: '1100m' } }));
  t.false(isAsWished({ limits: {} }, { limits: { cpu: '1' } }));
});
