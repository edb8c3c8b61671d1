import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import test, { type ExecutionContext } from 'ava';
import type { Acknowledgement } from '../../contracts/acknowledgement.ts';
import { createSubjects } from '../../contracts/subjects.ts';
import { LogUnavailable } from '../../event-log/event-log.ts';
import { openJetStreamEventLog } from '../../event-log/jetstream-event-log.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';

const subjects = createSubjects();

const acknowledgement = (instance: string, applied: number): Acknowledgement => ({
  instance,
  pool: 'edge',
  logId: 'log-1',
  applied,
  digest: '',
  refusals: [],
  refusalCount: 0,
  eventTypes: [],
  keyIds: [],
  draining: false,
});

async function openLog(t: ExecutionContext, server: NatsServer) {
  const log = await openJetStreamEventLog({
    connection: { servers: server.url, timeoutMs: 500 },
    subjects,
  });
  t.teardown(() => log[Symbol.asyncDispose]());
  return log;
}

function watch(t: ExecutionContext, { acknowledgements }: Awaited<ReturnType<typeof openLog>>) {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const heard = acknowledgements.watch(stop.signal)[Symbol.asyncIterator]();
  return {
    stop,
    next: async () => {
      const { value } = await heard.next();
      return value === undefined ? 'nothing more' : `${value.instance}${value.applied}`;
    },
  };
}

test('the operator hears the last word of each pod, then every new one', async (t) => {
  const server = await startNatsServer(t);
  const operator = await openLog(t, server);
  await operator.lead('me');
  const pods = (await openLog(t, server)).acknowledgements;
  await pods.send(acknowledgement('a', 1));
  await pods.send(acknowledgement('b', 1));
  await pods.send(acknowledgement('a', 2));

  const operatorHears = watch(t, operator);
  const before = [await operatorHears.next(), await operatorHears.next()];
  await pods.send(acknowledgement('b', 2));

  t.deepEqual(before.toSorted(), ['a2', 'b1']);
  t.is(await operatorHears.next(), 'b2');
  const end = operatorHears.next();
  operatorHears.stop.abort();
  t.is(await end, 'nothing more');
});

test('after NATS has restarted pods are heard again as soon as they speak', async (t) => {
  const server = await startNatsServer(t);
  const operator = await openLog(t, server);
  const operatorHears = watch(t, operator);
  await operator.lead('me');
  const pods = (await openLog(t, server)).acknowledgements;
  await pods.send(acknowledgement('a', 1));
  t.is(await operatorHears.next(), 'a1');

  await server.kill();
  await t.throwsAsync(pods.send(acknowledgement('a', 2)), { instanceOf: LogUnavailable });
  await server.start();

  const heard = operatorHears.next();
  const speak = async (): Promise<void> => {
    // As a pod does: until somebody has heard it.
    while (
      await pods.send(acknowledgement('a', 3)).then(
        () => false,
        () => true,
      )
    );
  };
  await speak();
  // What was said while NATS was away may still have been in the pod's buffer, and comes first.
  let last = await heard;
  while (last !== 'a3') last = await operatorHears.next();
  t.pass();
});

test('what no pod of ours says is not listened to', async (t) => {
  const server = await startNatsServer(t);
  const operator = await openLog(t, server);
  await operator.lead('me');
  const nats = await connect({ servers: server.url });
  t.teardown(() => nats.close());
  await nats.request(subjects.ack('edge', 'x'), 'not JSON');
  await nats.request(subjects.ack('edge', 'y'), '{"instance": "y"}');
  await operator.acknowledgements.send(acknowledgement('a', 1));

  t.is(await watch(t, operator).next(), 'a1');
});

test('who only looks hears the last words once, and makes no stream', async (t) => {
  const server = await startNatsServer(t);
  const looker = (await openLog(t, server)).acknowledgements;
  const { signal } = new AbortController();

  t.deepEqual(await looker.latest(signal), []);
  const nats = await connect({ servers: server.url });
  t.teardown(() => nats.close());
  const manager = await jetstreamManager(nats);
  t.deepEqual(await Array.fromAsync(manager.streams.names()), []);

  const operator = await openLog(t, server);
  await operator.lead('me');
  for (const applied of [1, 2]) await operator.acknowledgements.send(acknowledgement('a', applied));
  t.deepEqual(await looker.latest(signal), [acknowledgement('a', 2)]);
});
