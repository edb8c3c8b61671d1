import type { Socket } from 'node:net';
import test from 'ava';
import { at, engineWorld } from '../../../../test/support/mirror-engine-world.ts';
import {
  mirrorConfig,
  mirrorRouteConfig,
  ruleConfig,
} from '../../../../test/support/mirror-route-config.ts';
import { startTcpOrigin } from '../../../../test/support/origin.ts';
import { limitsMemory } from '../../../limits/shared-limits.ts';
import { mirrorTroubles } from './mirror-troubles.ts';

const circuitBreaker = {
  consecutiveFailures: 2,
  intervalMs: 30_000,
  openForMs: 10_000,
  maxOpenForMs: 300_000,
};

test('a mirror whose breaker is open is in trouble until a probe is answered', async (t) => {
  let status = 503;
  const { port } = await startTcpOrigin(t, (socket: Socket) => {
    socket.on('end', () => socket.end());
    socket.on('data', () => socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`));
  });
  const world = engineWorld(t, [{ origin: at(port), circuitBreaker }]);
  const send = async () => {
    world.get();
    await world.idle();
  };

  await send();
  t.deepEqual(world.troubles(), {});
  await send();
  t.deepEqual(world.troubles(), { 'rule-1/canary': 'BreakerOpen' });
  world.later(10_000);
  t.deepEqual(world.troubles(), { 'rule-1/canary': 'BreakerOpen' }, 'nobody has asked it yet');
  status = 200;
  await send();
  t.deepEqual(world.troubles(), {});
});

test('a mirror that lost a copy because nothing was left for it is in trouble for ten seconds', (t) => {
  const full = { concurrent: 1, queue: 0 };
  const world = engineWorld(t, [
    { name: 'places', origin: at(1), limits: full },
    { name: 'bytes', origin: at(1), limits: { bufferedBytes: 1 } },
    { name: 'rate', origin: at(1), limits: { requestsPerSecond: 1 } },
  ]);
  for (const name of ['places', 'bytes']) world.budget(name).take('underWay', 1, 1);
  t.deepEqual(world.troubles(), {});

  const copies = world.begin({ method: 'POST' });
  copies?.body(Buffer.from('ab'));
  world.begin();

  t.deepEqual(world.counts().skipped, { queue_full: 2, buffer_bytes: 1, rate: 1 });
  const expected = { 'rule-1/places': 'BudgetExhausted', 'rule-1/bytes': 'BudgetExhausted' };
  t.deepEqual(world.troubles(), expected);
  world.later(9_999);
  t.deepEqual(world.troubles(), expected);
  world.later(1);
  t.deepEqual(world.troubles(), {});
});

test('a mirror whose Service nobody serves is in trouble, whatever its breaker says', (t) => {
  const origin = {
    ...at(80, 'next.team-a.svc'),
    service: { namespace: 'team-a', name: 'next', from: 'team-a' },
  };
  const rule = ruleConfig({ mirrors: [mirrorConfig({ origin })] });
  const troubles = (endpoints: Parameters<typeof mirrorTroubles>[0]['endpoints']) =>
    mirrorTroubles(
      {
        ...{ kind: 'MirrorRoute', uid: 'u1', namespace: 'team-a', name: 'shop' },
        ...{ generation: 1, sequence: 1, config: mirrorRouteConfig({ rules: [rule] }), endpoints },
        ...{ endpointsSequence: 0, secrets: {}, limits: limitsMemory(1) },
        ...{ idle: new SharedArrayBuffer(4), clients: null, budgets: {}, certificates: {} },
      },
      0,
    );
  const nobody = [
    { resource: 'MirrorRoute/team-a/shop', part: 'rule-1/canary', state: 'NoEndpoints' },
  ];
  const endpoints = [{ address: '10.0.0.1', port: 8080 }];

  t.deepEqual(troubles({}), nobody);
  t.deepEqual(troubles({ 'team-a/next': [{ port: 81, endpoints }] }), nobody);
  t.deepEqual(troubles({ 'team-a/next': [{ port: 80, endpoints: [] }] }), nobody);
  t.deepEqual(troubles({ 'team-a/next': [{ port: 80, endpoints }] }), []);
});
