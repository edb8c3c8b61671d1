import test from 'ava';
import { isProgrammed, message, openWorld } from '../test/support/operator-world.ts';
import { createTableSource } from '../test/support/table-source.ts';

const kind = 'MirrorRoute';
const route = (name: string, host: string, rest: object = {}) => ({
  listeners: [{ name, port: 8080, address: '127.0.0.1' }],
  hostnames: [host],
  rules: [{ backendRefs: [{ url: 'http://backend.example' }] }],
  ...rest,
});

test('routes that share a listener are all served, and pods are told how old they are', async (t) => {
  const world = await openWorld(t);
  const source = createTableSource();
  const ages = { young: '2026-11-20T12:00:00Z', old: '2026-11-20T11:00:00Z' };
  source.put('a-young', route('web', 'a.example'), { kind, createdAt: ages.young });
  source.put('z-old', route('web', 'z.example'), { kind, createdAt: ages.old });
  source.put('of-no-age', route('web', 'c.example'), { kind });

  const operator = world.operate(source);
  world.startPod();

  for (const name of ['a-young', 'z-old', 'of-no-age']) await operator.status(name, isProgrammed);
  const configured = await world.entries('configured');
  const created = configured.map(({ event }) => [
    event.subject.split('/').at(-1),
    (event.data as { readonly config: { readonly created: string } }).config.created,
  ]);
  t.deepEqual(Object.fromEntries(created), {
    'a-young': ages.young,
    'z-old': ages.old,
    'of-no-age': '',
  });
});

test('who wants another listener on the port waits until the last who shares it has left', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  const { source } = operator;
  for (const name of ['a', 'b']) {
    source.put(name, route('web', `${name}.example`), { kind });
    await operator.status(name, isProgrammed);
  }
  source.put('c', route('http', 'c.example'), { kind });
  const refused = await operator.status('c', (each) => each.includes('PortConflict'));
  t.regex(
    message(refused, 'Accepted'),
    /of MirrorRoute\/team-a\/a has.*name \(http here, web there\)/,
  );

  const from = operator.statuses.length;
  source.remove('a');
  const still = await operator.status(
    'c',
    (_summary, report) => message(report, 'Accepted').includes('team-a/b has'),
    from,
  );
  t.regex(message(still, 'Accepted'), /to share it/);
  source.remove('b');

  t.is((await operator.status('c', isProgrammed)).generation, 1);
});

test('a listener that is shared changes when all say so, in one append', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  const { source } = operator;
  for (const name of ['a', 'b', 'c']) {
    source.put(name, route('web', `${name}.example`), { kind });
    await operator.status(name, isProgrammed);
  }

  for (const name of ['a', 'b']) {
    source.put(name, route('http', `${name}.example`), { kind });
    await operator.status(name, (each) => each.includes('Accepted=False/PortConflict@2'));
  }
  source.put('c', route('http', 'c.example'), { kind });

  const programmed = (each: string) => isProgrammed(each) && each.includes('Programmed@2');
  for (const name of ['a', 'b', 'c']) await operator.status(name, programmed);
  t.deepEqual(
    (await world.story())
      .filter((each) => each.startsWith('configured'))
      .slice(-3)
      .sort(),
    ['configured a', 'configured b', 'configured c'],
  );
});
