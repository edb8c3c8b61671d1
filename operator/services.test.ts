import test, { type ExecutionContext } from 'ava';
import { isEndpointsObserved } from '../contracts/log-events.ts';
import type { ServiceReference } from '../contracts/service-reference.ts';
import { follow } from '../test/support/follow-log.ts';
import {
  isProgrammed,
  message,
  openWorld,
  subjects,
  summarise,
} from '../test/support/operator-world.ts';
import { createTableSource } from '../test/support/table-source.ts';

const shop = { namespace: 'team-a', name: 'shop', from: 'team-a' };
const mirrorRoute = { kind: 'MirrorRoute' } as const;
const toShop = (port = 80, more: object = {}) => ({
  listeners: [{ name: 'all', port: 8080, address: '127.0.0.1' }],
  rules: [{ backendRefs: [{ name: 'shop', port }], ...more }],
});
const ports = (...addresses: readonly string[]) => [
  { port: 80, endpoints: addresses.map((address) => ({ address, port: 8080 })) },
];

async function startWorld(
  t: ExecutionContext,
  pools: readonly string[] = ['default'],
  of: ServiceReference = shop,
) {
  const world = await openWorld(t);
  const operator = world.operate(createTableSource(), { pools });
  world.startPod();
  const log = follow(t, world.eventLog, [subjects.endpoints('default', of)]);
  await log.nextOf('snapshot');
  /** The next word of who serves that Service: their addresses. */
  const told = async () => {
    const { entry } = await log.nextOf('entry');
    const { data } = entry.event;
    if (!isEndpointsObserved(data)) throw new Error(`not what was expected: ${entry.event.type}`);
    return data.ports.flatMap(({ endpoints }) => endpoints.map(({ address }) => address));
  };
  return { world, operator, told };
}

test('who serves a Service is told before the version that names it', async (t) => {
  const { world, operator } = await startWorld(t);
  operator.source.putService('shop', ports('10.0.0.1'));
  operator.source.put('route', toShop(), mirrorRoute);
  await operator.status('route', isProgrammed);

  t.deepEqual(
    (await world.story()).filter((each) => !each.startsWith('published')),
    ['leaderelected headgate', 'observed shop', 'configured route'],
  );
});

test('endpoints that come and go are told, and make no new version', async (t) => {
  const { world, operator, told } = await startWorld(t);
  operator.source.putService('shop', ports('10.0.0.1'));
  operator.source.put('route', toShop(), mirrorRoute);
  const first = await operator.status('route', isProgrammed);

  t.deepEqual(await told(), ['10.0.0.1']);

  operator.source.putService('shop', ports('10.0.0.1', '10.0.0.2'));
  t.deepEqual(await told(), ['10.0.0.1', '10.0.0.2']);
  operator.source.putService('shop', ports());
  t.deepEqual(await told(), []);

  t.is((await world.entries('configured')).length, 1);
  t.is(operator.statuses.at(-1)?.status.configVersion, first.status.configVersion);
});

test('a Service that nobody may look at any more is served by whoever served it', async (t) => {
  const { operator, told } = await startWorld(t);
  operator.source.putService('shop', ports('10.0.0.1'));
  operator.source.put('route', toShop(), mirrorRoute);
  await operator.status('route', isProgrammed);
  t.deepEqual(await told(), ['10.0.0.1']);

  operator.source.forbidService('shop');
  operator.source.put('route', toShop(80, { name: 'edited' }), mirrorRoute);
  const refused = await operator.status('route', (each) => each.includes('BackendNotFound'));
  t.regex(message(refused, 'ResolvedRefs'), /may not read Service shop/);

  operator.source.putService('shop', ports('10.0.0.2'));
  t.deepEqual(await told(), ['10.0.0.2'], 'and nobody was told in between that nobody serves it');
});

test('a Service that is not there, or lacks the port, refuses the version until it is there', async (t) => {
  const { operator } = await startWorld(t);
  operator.source.put('route', toShop(), mirrorRoute);
  const missing = await operator.status('route', (each) => each.includes('BackendNotFound'));
  t.regex(message(missing, 'ResolvedRefs'), /backendRefs\[0\]: there is no Service team-a\/shop/);

  operator.source.putService('shop', [{ port: 8080, endpoints: [] }]);
  const other = await operator.status('route', (_, report) =>
    message(report, 'ResolvedRefs').includes('has no TCP port 80'),
  );
  t.regex(summarise(other), /Accepted=False\/UnresolvedRefs/);

  operator.source.putService('shop', ports('10.0.0.1'));
  t.is((await operator.status('route', isProgrammed)).generation, 1);
});

test('when the Service of the version in force goes, it stays in force, and pods know that nobody serves it', async (t) => {
  const { world, operator, told } = await startWorld(t);
  operator.source.putService('shop', ports('10.0.0.1'));
  operator.source.put('route', toShop(), mirrorRoute);
  await operator.status('route', isProgrammed);
  t.deepEqual(await told(), ['10.0.0.1']);

  operator.source.putService('shop', null);
  const report = await operator.status('route', (each) => each.includes('BackendNotFound'));

  t.regex(summarise(report), /Programmed=True\/Programmed@1/);
  t.deepEqual(await told(), []);
  t.is((await world.entries('configured')).length, 1);
});

test('endpoints of a Service that nobody names any more are purged', async (t) => {
  const world = await openWorld(t);
  const source = createTableSource();
  source.putService('shop', ports('10.0.0.1'));
  source.put('route', toShop(), mirrorRoute);
  const first = world.operate(source);
  world.startPod();
  await first.status('route', isProgrammed);
  source.remove('route');
  await first.called('removed route');
  await first.stop();
  t.is((await world.entries('endpoints')).length, 1);

  const second = world.operate(createTableSource());
  await second.called('published 0');
  await second.stop();

  t.deepEqual(await world.entries('endpoints'), []);
});

test('pools that a route is about to leave are told of endpoints until it has arrived', async (t) => {
  const { world, operator, told } = await startWorld(t, ['default', 'edge']);
  operator.source.putService('shop', ports('10.0.0.1'));
  operator.source.put('route', toShop(), mirrorRoute);
  await operator.status('route', isProgrammed);
  t.deepEqual(await told(), ['10.0.0.1']);

  const edge = follow(t, world.eventLog, [subjects.endpoints('edge', shop)]);
  await edge.nextOf('snapshot');
  operator.source.put('route', { ...toShop(), pool: 'edge' }, mirrorRoute); // where no pod is
  await edge.nextOf('entry');
  operator.source.putService('shop', ports('10.0.0.2'));

  t.deepEqual(await told(), ['10.0.0.2']);
});

test('endpoints are told as long as nobody is certain that the resource is gone', async (t) => {
  const { world, operator, told } = await startWorld(t);
  operator.source.putService('shop', ports('10.0.0.1'));
  operator.source.put('route', toShop(), mirrorRoute);
  await operator.status('route', isProgrammed);
  t.deepEqual(await told(), ['10.0.0.1']);

  operator.source.setComplete(false);
  operator.source.remove('route');
  operator.source.putService('shop', ports('10.0.0.2'));
  t.deepEqual(await told(), ['10.0.0.2']);
  operator.source.putService('shop', ports('10.0.0.3'));
  t.deepEqual(await told(), ['10.0.0.3']);

  t.is((await world.entries('removed')).length, 0);
  operator.source.setComplete(true);
  await operator.called('removed route');
});

test('of a version that is held it is said what its mirrors lack now', async (t) => {
  const { operator } = await startWorld(t);
  const shadowed = toShop(80, {
    mirrors: [{ name: 'm', backendRef: { name: 'shadow', port: 80 } }],
  });
  operator.source.putService('shop', ports('10.0.0.1'));
  operator.source.put('route', shadowed, mirrorRoute);
  const { status } = await operator.status('route', isProgrammed);
  const holdAt = status.configVersion ?? 0;
  operator.source.put('route', shadowed, { ...mirrorRoute, holdAt });
  await operator.status('route', (each) => each.includes('ResolvedRefs=False/BackendNotFound'));

  const from = operator.statuses.length;
  operator.source.putService('shadow', ports('10.0.0.9'));
  const found = (each: string) => each.includes('ResolvedRefs=True');
  await operator.status('route', found, from);
  operator.source.putService('shadow', null);
  const missing = (each: string) => each.includes('ResolvedRefs=False/BackendNotFound');
  const again = await operator.status('route', missing, operator.statuses.length);

  t.regex(message(again, 'ResolvedRefs'), /there is no Service team-a\/shadow/);
});

const elsewhere = { ...shop, namespace: 'team-b' };
const toElsewhere = (more: object = {}) => ({
  ...toShop(),
  rules: [{ backendRefs: [{ name: 'shop', namespace: 'team-b', port: 80 }], ...more }],
});
const toAnyService = {
  from: [{ group: 'headgate.dev', kind: 'MirrorRoute', namespace: 'team-a' }],
  to: [{ group: '', kind: 'Service', name: null }],
};
const guest = {
  listeners: [{ name: 'all', port: 8081, address: '127.0.0.1' }],
  rules: [
    {
      backendRefs: [{ url: 'http://shop' }],
      mirrors: [{ name: 'm', backendRef: { name: 'shop', namespace: 'team-a', port: 80 } }],
    },
  ],
};
const isDenied = (each: string) => each.includes('ResolvedRefs=False/RefNotPermitted');

test('a Service of another namespace is served while a grant permits it, and no longer', async (t) => {
  const { world, operator, told } = await startWorld(t, ['default'], elsewhere);
  operator.source.putService('shop', ports('10.0.0.1'), 'team-b');
  operator.source.put('route', toElsewhere(), mirrorRoute);
  const denied = await operator.status('route', isDenied);
  t.regex(message(denied, 'ResolvedRefs'), /backendRefs\[0\]: .* namespace team-b needs one from/);

  operator.source.putGrants('team-b', [toAnyService]);
  await operator.status('route', isProgrammed);
  t.deepEqual(await told(), ['10.0.0.1']);

  const from = operator.statuses.length;
  operator.source.putGrants('team-b', []);
  const again = await operator.status('route', isDenied, from);
  t.regex(summarise(again), /Programmed=True\/Programmed@1/);
  t.deepEqual(await told(), [], 'the version in force reaches nobody');

  operator.source.putGrants('team-b', [toAnyService]);
  t.deepEqual(await told(), ['10.0.0.1']);
  t.is((await world.entries('rejected')).length, 2);
});

test('who may not refer to a Service does not stop those who may', async (t) => {
  const { operator, told } = await startWorld(t);
  operator.source.putService('shop', ports('10.0.0.1'));
  operator.source.put('route', toShop(), mirrorRoute);
  await operator.status('route', isProgrammed);
  t.deepEqual(await told(), ['10.0.0.1']);

  operator.source.put('guest', guest, { ...mirrorRoute, namespace: 'team-z' });
  await operator.status('guest', isDenied);
  operator.source.putService('shop', ports('10.0.0.2'));

  t.deepEqual(await told(), ['10.0.0.2'], 'and nothing else in between');
});

test('while nobody may read grants, what was granted goes on', async (t) => {
  const { operator, told } = await startWorld(t, ['default'], elsewhere);
  operator.source.putService('shop', ports('10.0.0.1'), 'team-b');
  operator.source.putGrants('team-b', [toAnyService]);
  operator.source.put('route', toElsewhere(), mirrorRoute);
  await operator.status('route', isProgrammed);
  t.deepEqual(await told(), ['10.0.0.1']);

  operator.source.putGrants('team-b', 'unreadable');
  await operator.status('route', isDenied);
  operator.source.putService('shop', ports('10.0.0.2'), 'team-b');
  operator.source.putGrants('team-b', [toAnyService]);

  t.deepEqual(await told(), ['10.0.0.2'], 'and nobody was told in between that nobody serves it');
});

test('a mirror that nobody permits gets no endpoints, and the primary is served', async (t) => {
  const { operator, told } = await startWorld(t, ['default'], elsewhere);
  operator.source.putService('shop', ports('10.0.0.1'));
  operator.source.putService('shop', ports('10.0.0.9'), 'team-b');
  const backendRef = { name: 'shop', namespace: 'team-b', port: 80 };
  operator.source.put('route', toShop(80, { mirrors: [{ name: 'm', backendRef }] }), mirrorRoute);
  const denied = await operator.status('route', isDenied);
  t.regex(summarise(denied), /Accepted=True/);
  t.regex(message(denied, 'ResolvedRefs'), /mirror "m" of rule-1 gets no copies: Service team-b/);
  t.deepEqual(await told(), []);

  operator.source.putGrants('team-b', [toAnyService]);

  t.deepEqual(await told(), ['10.0.0.9']);
});
