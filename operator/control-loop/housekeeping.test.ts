import test from 'ava';
import { openWorld } from '../../test/support/operator-world.ts';

const day = 24 * 3600 * 1000;
const users = { auth: `ann:$2y$10$${'a'.repeat(53)}` };
const spec = {
  listeners: [{ name: 'all', port: 3128, address: '127.0.0.1' }],
  authentication: { mode: 'Basic', basic: { secretRef: { name: 'users' } } },
};

test('a tombstone is purged after seven days, with the secret nobody names any more', async (t) => {
  const world = await openWorld(t);
  let lateMs = 0;
  const now = () => performance.timeOrigin + performance.now() + lateMs;
  const first = world.operate(undefined, { now });
  first.source.putSecret('users', users);
  first.source.put('one', spec);
  await first.called('published 1').catch(() => null);
  first.source.remove('one');
  await first.called('removed one');
  await first.stop();
  t.is((await world.entries('removed')).length, 1);

  lateMs = 6 * day;
  const soon = world.operate(undefined, { now });
  await soon.called('published 0');
  await soon.stop();
  t.is((await world.entries('removed')).length, 1);
  t.deepEqual(await world.entries('secret'), []);

  lateMs = 8 * day;
  const late = world.operate(undefined, { now });
  await late.called('published 0');
  await late.stop();
  t.deepEqual(await world.entries('forwardproxy'), []);
});
