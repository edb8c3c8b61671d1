import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import test, { type ExecutionContext } from 'ava';
import { createSubjects, type Subjects } from '../../contracts/subjects.ts';
import { LogUnavailable } from '../../event-log/event-log.ts';
import { openJetStreamEventLog } from '../../event-log/jetstream-event-log.ts';
import { testEventLog } from '../contracts/event-log.ts';
import { keyOf, makeEvent, pool } from '../support/events.ts';
import { follow, readAll } from '../support/follow-log.ts';
import { type NatsCluster, startNatsCluster } from '../support/nats-cluster.ts';
import { fileScope } from '../support/scope.ts';

const scope = fileScope();
let shared: NatsCluster;
let logs = 0;
test.before(async () => {
  shared = await startNatsCluster(scope);
});

testEventLog('JetStream on three servers', async (t, options = {}) => {
  logs += 1;
  const subjects = createSubjects(`log${logs}`);
  return { log: await openLog(t, shared, subjects, options), subjects };
});

async function openLog(
  t: ExecutionContext,
  { servers }: NatsCluster,
  subjects: Subjects,
  options: { readonly maxBytes?: number } = {},
) {
  const connection = { servers };
  // Not the default of 1 GiB: each of the many logs reserves what it may have.
  const maxBytes = 64 * 1024 ** 2;
  const log = await openJetStreamEventLog({
    connection,
    subjects,
    replicas: 3,
    maxBytes,
    ...options,
  });
  t.teardown(() => log[Symbol.asyncDispose]());
  return log;
}

test('a server of three is killed, and another after it is back: nothing is lost, doubled or skipped', async (t) => {
  const cluster = await startNatsCluster(t);
  const subjects = createSubjects();
  const log = await openLog(t, cluster, subjects);
  const leader = await log.lead('me');
  const follower = follow(t, await openLog(t, cluster, subjects), [subjects.allConfig]);
  await follower.nextOf('snapshot');
  const nats = await connect({ servers: cluster.servers.split(','), maxReconnectAttempts: -1 });
  t.teardown(() => nats.close());
  const manager = await jetstreamManager(nats, { checkAPI: false });
  const subjectOf = (n: number) => subjects.config(pool, keyOf(`r${n}`));
  let appended = 0;

  /** As the operator does it: what cannot be appended now is tried again with the same id. */
  async function append(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const entry = { subject: subjectOf(appended), event: makeEvent(appended) };
      while (!(await leader.append([entry]).then(() => true, unlessUnavailable)));
      appended += 1;
    }
  }
  async function nodeOfLeader() {
    const { cluster: at } = await manager.streams.info(subjects.stream);
    return cluster.nodes.get(at?.leader ?? '');
  }

  for (let round = 0; round < 2; round += 1) {
    const node = await nodeOfLeader();
    if (node === undefined) return t.fail('the stream has no leader');
    const appending = append(40);
    await node.kill();
    await appending;
    await node.start();
    await append(10);
  }

  // A server that was down may still be applying what the others have agreed on.
  let all = await untilAnswered(() => readAll(log, [subjects.allConfig]));
  while (all.length < appended) {
    all = await untilAnswered(() => readAll(log, [subjects.allConfig]));
  }
  t.deepEqual(
    all.map(({ event }) => event.data),
    Array.from({ length: appended }, (_, n) => n),
  );
  const seen = new Set<unknown>();
  while (seen.size < appended) {
    const update = await follower.next();
    if (update.type === 'snapshot') for (const { event } of update.entries) seen.add(event.data);
    if (update.type === 'entry') seen.add(update.entry.event.data);
  }
  const elections = await untilAnswered(() => readAll(log, [subjects.leader]));
  t.is(elections.length, 1, 'nobody had to lead anew');
});

function unlessUnavailable(error: unknown): boolean {
  if (error instanceof LogUnavailable) return false;
  throw error;
}

/** While servers agree on who leads, some questions get no answer: whoever reads asks again. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Error && /timeout|does not answer|no respon/i.test(error.message))) {
        throw error;
      }
    }
  }
}
