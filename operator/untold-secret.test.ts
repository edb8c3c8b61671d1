import test from 'ava';
import { openWorld } from '../test/support/operator-world.ts';
import { createTableSource } from '../test/support/table-source.ts';

const listenOn = (port: number, more: Readonly<Record<string, unknown>> = {}) => ({
  listeners: [{ name: 'all', port, address: '127.0.0.1' }],
  ...more,
});
const withUsers = (port: number) =>
  listenOn(port, { authentication: { mode: 'Basic', basic: { secretRef: { name: 'users' } } } });

function createSourceInTrouble() {
  const table = createTableSource();
  const asked = Promise.withResolvers<void>();
  let inTrouble = true;
  table.putSecret('users', { auth: `ann:$2y$10$${'a'.repeat(53)}` });
  table.put('other', listenOn(3128));
  table.put('one', withUsers(3129));
  return {
    asked: asked.promise,
    mend() {
      inTrouble = false;
    },
    source: {
      ...table,
      async readSecret(namespace: string, name: string) {
        if (!inTrouble) return table.readSecret(namespace, name);
        asked.resolve();
        throw new Error('the API server does not answer');
      },
    },
  };
}

test('a log made anew is complete only with those whose Secret could not be asked for at first: pods must not drop them', async (t) => {
  const world = await openWorld(t);
  const { source, asked, mend } = createSourceInTrouble();

  const operator = world.operate(source, { knownSequence: 1000 });
  await asked;
  await operator.status('other', (summary) => summary.includes('Accepted=True'));
  t.deepEqual(await world.entries('pool.published'), []);
  mend();
  await operator.called('published 2, history lost');

  const [published] = await world.entries('pool.published');
  const configured = await world.entries('configured');
  t.is(configured.length, 2);
  t.true(configured.every(({ sequence }) => sequence < (published?.sequence ?? 0)));
});

test('where pods have nothing to lose, nobody waits for the Secret of another', async (t) => {
  const world = await openWorld(t);
  const { source } = createSourceInTrouble();

  const operator = world.operate(source);

  await operator.called('published 1');
  t.pass();
});
