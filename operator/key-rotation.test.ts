import test from 'ava';
import { isSecretSealed } from '../contracts/log-events.ts';
import { createSeal } from '../event-log/seal.ts';
import { generateSealingKey } from '../event-log/sealing-keys.ts';
import { openWorld, subjects } from '../test/support/operator-world.ts';
import { createTableSource } from '../test/support/table-source.ts';

const withUsers = (port: number, name: string) => ({
  listeners: [{ name: 'all', port, address: '127.0.0.1' }],
  authentication: { mode: 'Basic', basic: { secretRef: { name } } },
});
const users = { auth: `ann:$2y$10$${'a'.repeat(53)}` };

test('a new key seals every Secret in force anew, also of who keeps an old version', async (t) => {
  const world = await openWorld(t);
  const [oldKey, newKey] = [generateSealingKey(), generateSealingKey()];
  world.startPod('pod-1', () => null, [newKey.id, oldKey.id]);
  const source = createTableSource();
  const sourceAgain = createTableSource();
  for (const each of [source, sourceAgain]) {
    each.putSecret('good', users);
    each.put('good', withUsers(3128, 'good'));
    each.put('lost', withUsers(3129, 'lost'));
    each.put('broken', withUsers(3130, 'broken'));
    each.put('hidden', withUsers(3131, 'hidden'));
  }
  for (const name of ['lost', 'broken', 'hidden']) source.putSecret(name, users);
  const first = world.operate(source, { seal: createSeal([oldKey]) });
  await first.called('ready');
  await first.stop();
  t.deepEqual(await keyIds(world), [oldKey.id, oldKey.id, oldKey.id, oldKey.id]);

  // Of these the source has no more than the log: a Secret is gone, a spec is wrong, a file unreadable.
  sourceAgain.put('broken', { listeners: [] });
  sourceAgain.remove('hidden');
  sourceAgain.setComplete(false);
  const seal = createSeal([newKey, oldKey]);
  const second = world.operate(sourceAgain, { seal });
  await second.called('ready');
  await sealedWith(world, newKey.id);

  t.deepEqual(await keyIds(world), [newKey.id, newKey.id, newKey.id, newKey.id]);
  const onlyNew = createSeal([newKey]);
  for (const { subject, event } of await world.entries('secret.sealed')) {
    if (!isSecretSealed(event.data)) return t.fail();
    const { logId } = await world.eventLog.lead('reader');
    const place = { pool: 'default', logId, subject, field: 'auth' };
    t.is(await onlyNew.open(place, event.data.fields['auth'] ?? ''), users.auth);
  }
});

test('a key that was removed too early is named', async (t) => {
  const world = await openWorld(t);
  world.startPod();
  const [oldKey, newKey] = [generateSealingKey(), generateSealingKey()];
  const source = createTableSource();
  source.putSecret('users', users);
  source.put('one', withUsers(3128, 'users'));
  const first = world.operate(source, { seal: createSeal([oldKey]) });
  await first.called('ready');
  await first.stop();

  const bare = createTableSource();
  bare.put('one', withUsers(3128, 'users'));
  const second = world.operate(bare, { seal: createSeal([newKey]) });
  await second.called(`problem Secret/team-a/users of ForwardProxy/team-a/one`);

  t.deepEqual(await keyIds(world), [oldKey.id]);
  t.true(second.problems.some((message) => message.includes(`the key "${oldKey.id}"`)));
});

test('a new key seals only when every live pod holds it, also after a restart of the operator', async (t) => {
  const world = await openWorld(t);
  const [oldKey, newKey] = [generateSealingKey(), generateSealingKey()];
  const early = world.startPod('early', () => null, [oldKey.id]);
  const late = world.startPod('late', () => null, [oldKey.id]);
  let keys = [oldKey];
  const source = createTableSource();
  source.putSecret('users', users);
  source.put('one', withUsers(3128, 'users'));
  const first = world.operate(source, { seal: createSeal(() => keys) });
  await first.called('ready');
  await Promise.all([early.serving, late.serving]);

  keys = [newKey, oldKey];
  await early.hold([newKey.id, oldKey.id]);
  await first.stop();
  const sourceAgain = createTableSource();
  sourceAgain.putSecret('users', users);
  sourceAgain.put('one', withUsers(3128, 'users'));
  const second = world.operate(sourceAgain, { seal: createSeal(() => keys) });
  await second.called('ready');
  t.deepEqual(await keyIds(world), [oldKey.id]);

  await late.hold([newKey.id, oldKey.id]);
  await sealedWith(world, newKey.id);
  t.pass();
});

/** Resolves when every Secret in the log is sealed with this key. */
async function sealedWith(world: Awaited<ReturnType<typeof openWorld>>, id: string): Promise<void> {
  const enough = new AbortController();
  for await (const _ of world.eventLog.follow([subjects.allConfig], enough.signal)) {
    if ((await keyIds(world)).every((keyId) => keyId === id)) return enough.abort();
  }
}

async function keyIds(world: Awaited<ReturnType<typeof openWorld>>): Promise<readonly unknown[]> {
  const sealed = await world.entries('secret.sealed');
  return sealed.map(({ event }) => (isSecretSealed(event.data) ? event.data.keyId : null));
}
