import { jetstreamManager } from '@nats-io/jetstream';
import test, { type ExecutionContext } from 'ava';
import type { Acknowledgement } from '../../contracts/acknowledgement.ts';
import { keyOf, makeEvent } from '../support/events.ts';
import { follow, readAll } from '../support/follow-log.ts';
import { consumer, forbidden, isRefusal, ownFilter, request } from '../support/nats-attempts.ts';
import { startNatsWithUsers } from '../support/nats-users.ts';

const [pool, other] = ['edge', 'core'];
const edge = { is: 'pool', pool } as const;
const create = 'CONSUMER.CREATE.headgate';

const acknowledgement = (of: string): Acknowledgement => ({
  ...{ instance: 'pod-1', pool: of, logId: 'log-1', applied: 1, digest: '' },
  ...{ refusals: [], refusalCount: 0, eventTypes: [], keyIds: [], draining: false },
});

/** A log with something in two pools, and who can see everything of it. */
async function openWorld(t: ExecutionContext, isWalled: boolean) {
  const world = await startNatsWithUsers(t, { isWalled });
  const { subjects, keys } = world;
  const operator = await world.logOf({ is: 'operator' });
  const leader = await operator.lead('me');
  await leader.append([
    { subject: subjects.config(pool, keyOf('a')), event: makeEvent('what edge reads') },
    { subject: subjects.config(other, keyOf('b')), event: makeEvent('what only core may read') },
  ]);
  await operator.acknowledgements.latest(new AbortController().signal);
  const admin = await world.connectUnrestricted(keys.account);
  const manager = await jetstreamManager(admin);
  await manager.consumers.add(subjects.stream, { durable_name: 'precious', ack_policy: 'none' });

  /** Everything a user could have done harm to. */
  async function everything(): Promise<unknown> {
    const streams = await manager.streams.list().next();
    const looks = streams.map(async ({ config: { name, ...config } }) => {
      const { state } = await manager.streams.info(name, { subjects_filter: '>' });
      const { subjects: kept = {}, first_seq, last_seq, messages } = state;
      const consumers = await manager.consumers.list(name).next();
      const named = consumers.filter((each) => ['precious', 'mine'].includes(each.name));
      const configs = named.map((each) => each.config);
      return { name, config, kept, first_seq, last_seq, messages, configs };
    });
    return Promise.all(looks);
  }

  return { ...world, operator, leader, admin, everything };
}

for (const [account, isWalled] of Object.entries({
  'its own account': true,
  'the only one': false,
})) {
  test(`with users in ${account}, a pool's user can do nothing of what it may not`, async (t) => {
    const world = await openWorld(t, isWalled);
    const { nats, apiPrefix } = await world.connectAs(edge);
    const before = await world.everything();

    for (const [what, attempt] of Object.entries(forbidden)) {
      for (const api of new Set([apiPrefix, '$JS.API'])) {
        const outcome = await attempt(nats, api);
        t.true(isRefusal(outcome), `${what}: ${JSON.stringify(outcome)}`);
      }
      t.deepEqual(await world.everything(), before, what);
    }
    await world.leader.append([
      { subject: world.subjects.journal(pool, keyOf('a')), event: makeEvent('still leading') },
    ]);
  });

  test(`with users in ${account}, each does what it is for`, async (t) => {
    const world = await openWorld(t, isWalled);
    const { subjects, leader } = world;
    const [configA, journalA] = [
      subjects.config(pool, keyOf('a')),
      subjects.journal(pool, keyOf('a')),
    ];
    const pod = await world.logOf(edge);
    const reader = await world.logOf({ is: 'reader' });
    const podReads = follow(t, pod, [subjects.allConfigOf(pool)]);
    const operatorHears = world.operator.acknowledgements.watch(stopped(t))[Symbol.asyncIterator]();

    const { entries } = await podReads.nextOf('snapshot');
    await leader.append([
      { subject: configA, event: makeEvent('edited') },
      { subject: journalA, event: makeEvent('told'), ttlSeconds: 60 },
    ]);
    const { entry } = await podReads.nextOf('entry');
    await pod.acknowledgements.send(acknowledgement(pool));
    const heard = await operatorHears.next();
    const told = await readAll(reader, [configA, journalA]);
    const spoken = await reader.acknowledgements.latest(stopped(t));
    await leader.purge(configA, entry.sequence - 1);

    t.deepEqual(
      entries.map(({ event }) => event.data),
      ['what edge reads'],
    );
    t.is(entry.event.data, 'edited');
    t.is(heard.value?.instance, 'pod-1');
    t.deepEqual(
      told.map(({ event }) => event.data),
      ['what edge reads', 'edited', 'told'],
    );
    t.deepEqual(
      spoken.map(({ instance }) => instance),
      ['pod-1'],
    );
    t.deepEqual(
      (await readAll(reader, [configA])).map(({ event }) => event.data),
      ['edited'],
    );
  });

  test(`with users in ${account}, a reader changes nothing`, async (t) => {
    const world = await openWorld(t, isWalled);
    const { nats, apiPrefix } = await world.connectAs({ is: 'reader' });
    const before = await world.everything();
    const changes = Object.entries(forbidden).filter(([what]) =>
      /^(write|say|elect|acknowledge|change the|make|purge|delete)/.test(what),
    );
    t.true(changes.length > 12);

    for (const [what, attempt] of changes) {
      const outcome = await attempt(nats, apiPrefix);
      t.true(isRefusal(outcome), `${what}: ${JSON.stringify(outcome)}`);
    }
    t.deepEqual(await world.everything(), before);
    const reader = await world.logOf({ is: 'reader' }, 500);
    await t.throwsAsync(reader.lead('me'));
    t.deepEqual(await world.everything(), before);
  });
}

test('the server writes its answers nowhere, wherever the user of a pool wants them', async (t) => {
  const world = await openWorld(t, true);
  const { nats, apiPrefix } = await world.connectAs(edge);
  await nats.request('headgate.ack.edge.pod-1', '{}');
  const before = await world.everything();
  const places = [
    'headgate.config.core.forwardproxy.team-a.b',
    'headgate.leader',
    'headgate.ack.core.pod-1',
    '$JS.API.STREAM.PURGE.headgate',
    `${apiPrefix}.STREAM.PURGE.headgate`,
  ];

  for (const reply of places) {
    nats.publish(`${apiPrefix}.STREAM.INFO.headgate`, '', { reply });
    nats.publish(`${apiPrefix}.CONSUMER.INFO.headgate.precious`, '', { reply });
    // Asked again for an answer of our own: then those before were given.
    await nats.request(`${apiPrefix}.STREAM.INFO.headgate`);
  }

  t.deepEqual(await world.everything(), before);
  await world.leader.append([
    { subject: world.subjects.journal(pool, keyOf('a')), event: makeEvent('still leading') },
  ]);
});

test('what the user of a pool says about another pool is not believed', async (t) => {
  const world = await openWorld(t, true);
  const { nats } = await world.connectAs(edge);
  const heard = world.operator.acknowledgements.watch(stopped(t))[Symbol.asyncIterator]();

  const say = (pod: string, about: Acknowledgement) =>
    nats.request(`headgate.ack.edge.${pod}`, JSON.stringify(about));
  await say('pod-1', acknowledgement(other));
  await say('pod-2', acknowledgement(pool));
  await say('pod-3', { ...acknowledgement(pool), instance: 'pod-3' });

  t.is((await heard.next()).value?.instance, 'pod-3');
});

test('a consumer that delivers to where orders are given gives none', async (t) => {
  const world = await openWorld(t, true);
  const { nats, apiPrefix } = await world.connectAs(edge);
  const before = await world.everything();
  const orders = ['STREAM.PURGE.headgate', 'STREAM.DELETE.headgate', 'STREAM.DELETE.headgate-ack'];
  const idle = { idle_heartbeat: 100_000_000 };

  for (const [index, order] of orders.entries()) {
    for (const [from, deliver_policy] of ['all', 'new'].entries()) {
      const name = `c${index}-${from}`;
      const config = { name, deliver_policy, deliver_subject: `$JS.API.${order}`, ...idle };
      const subject = `${apiPrefix}.${create}.${name}.${ownFilter}`;
      t.is(await request(nats, subject, consumer(ownFilter, config)), 'done');
    }
  }
  // Three of our own heartbeats: theirs have gone out as often.
  const inbox = `${world.subjects.inboxes.pool(pool)}.mine`;
  const heartbeats = nats.subscribe(inbox, { max: 3 });
  const own = { deliver_subject: inbox, deliver_policy: 'new', ...idle };
  await request(
    nats,
    `${apiPrefix}.${create}.own.${ownFilter}`,
    consumer(ownFilter, { name: 'own', ...own }),
  );
  t.is((await Array.fromAsync(heartbeats)).length, 3);

  t.deepEqual(await world.everything(), before);
});

test("the guests' account has no way to the log, even for a user without restrictions", async (t) => {
  const world = await openWorld(t, true);
  const nats = await world.connectUnrestricted(world.keys.guests);
  const before = await world.everything();
  const ways = Object.entries(forbidden).filter(([what]) =>
    /^(write|elect|change the|make|purge|delete|read|take)/.test(what),
  );

  for (const [what, attempt] of ways) {
    for (const api of ['$JS.API', '_HEADGATE_API']) {
      t.not(await attempt(nats, api), 'done', what);
    }
  }

  t.deepEqual(await world.everything(), before);
});

function stopped(t: ExecutionContext): AbortSignal {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  return stop.signal;
}
