import test from 'ava';
import { isProgrammed, message, openWorld } from '../test/support/operator-world.ts';

const listenOn = (port: number) => ({
  listeners: [{ name: 'all', port, address: '127.0.0.1' }],
});
const withUsers = (port: number) => ({
  ...listenOn(port),
  authentication: { mode: 'Basic', basic: { secretRef: { name: 'users' } } },
});
const users = (letter: string) => ({ auth: `ann:$2y$10$${letter.repeat(53)}` });

test('a version that is kept can be held', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  operator.source.put('one', listenOn(3128));
  const first = await operator.status('one', isProgrammed);
  operator.source.put('one', listenOn(3129));
  await operator.status('one', (each) => isProgrammed(each) && each.includes('@2'));
  const holdAt = first.status.configVersion ?? 0;
  const from = operator.statuses.length;

  operator.source.put('one', listenOn(3129), { holdAt });
  const held = await operator.status('one', isProgrammed, from);
  t.is(held.status.configHash, first.status.configHash);

  operator.source.put('one', listenOn(3129), { holdAt: 1 });
  const refused = await operator.status('one', (each) => each.includes('VersionNotKept'));
  t.regex(message(refused, 'Accepted'), /keeps no version 1/);
});

test('a version that is held is served with its Secret as it is now', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  operator.source.putSecret('users', users('a'));
  operator.source.put('one', withUsers(3128));
  const first = await operator.status('one', isProgrammed);
  operator.source.putSecret('users', users('b'));
  operator.source.put('one', listenOn(3129)); // names no Secret any more
  await operator.status('one', (each) => isProgrammed(each) && each.includes('@2'));
  const holdAt = first.status.configVersion ?? 0;

  operator.source.put('one', listenOn(3129), { holdAt });
  await operator.status('one', isProgrammed, operator.statuses.length);
  t.deepEqual(await lastDigests(world), [3128, await sealedDigest(world)]);

  const from = operator.statuses.length;
  operator.source.putSecret('users', users('c'));
  await operator.status('one', isProgrammed, from);
  t.deepEqual(await lastDigests(world), [3128, await sealedDigest(world)]);
});

test('a version that is held gets no port that another has by now', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  operator.source.put('one', listenOn(3128));
  const first = await operator.status('one', isProgrammed);
  operator.source.put('one', listenOn(3129));
  await operator.status('one', (each) => isProgrammed(each) && each.includes('@2'));
  operator.source.put('two', listenOn(3128));
  await operator.status('two', isProgrammed);

  operator.source.put('one', listenOn(3129), { holdAt: first.status.configVersion ?? 0 });
  const refused = await operator.status('one', (each) => each.includes('PortConflict'));

  t.regex(message(refused, 'Accepted'), /ForwardProxy\/team-a\/two has 127\.0\.0\.1:3128/);
});

type World = Awaited<ReturnType<typeof openWorld>>;

/** The port in force, and the digest of the Secret that goes with it. */
async function lastDigests(world: World): Promise<readonly unknown[]> {
  const { config } = dataOf((await world.entries('configured')).at(-1));
  return [config?.listeners[0]?.port, config?.authentication.secret?.digest];
}

async function sealedDigest(world: World): Promise<unknown> {
  return dataOf((await world.entries('secret.sealed')).at(-1)).digest;
}

type Data = {
  readonly digest?: string;
  readonly config?: {
    readonly listeners: ReadonlyArray<{ readonly port: number }>;
    readonly authentication: { readonly secret?: { readonly digest: string } };
  };
};

function dataOf(entry: Awaited<ReturnType<World['entries']>>[number] | undefined): Data {
  return entry?.event.data as Data; // what our own operator wrote
}
