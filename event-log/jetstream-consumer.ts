import { randomUUID } from 'node:crypto';
import { AckPolicy, type DeliverPolicy, ReplayPolicy } from '@nats-io/jetstream';
import { createInbox, type Msg, nanos } from '@nats-io/transport-node';
import type { StoredEntry } from './entry.ts';
import { LogUnavailable } from './event-log.ts';
import { createFeed, type Feed } from './feed.ts';
import type { JetStreamConnection } from './jetstream-connection.ts';

export type Delivery =
  | { readonly type: 'message'; readonly entry: StoredEntry; readonly pending: number }
  /** The server has sent everything it has. */
  | { readonly type: 'idle' };

export type JetStreamConsumer = {
  /** How many messages matched when it began. */
  readonly pending: number;
  /** Fails with {@link LogUnavailable} as soon as a message may have been missed. */
  readonly deliveries: Feed<Delivery>;
  /** Asks the server how many messages it has not sent yet. */
  countPending(): Promise<number>;
  close(): void;
};

export type ConsumerOptions = {
  readonly stream: string;
  readonly subjects: readonly string[];
  readonly from: DeliverPolicy;
};

const heartbeatMs = 1000;
const missedHeartbeatsMs = 2500;
const abandonedMs = 5000;
const control = 100;

/**
 * A consumer that lives once. The library's own would go on after a restart of the server or a
 * re-created stream without what it missed, so this one ends instead, and its reader begins again.
 */
export async function openConsumer(
  connection: JetStreamConnection,
  { stream, subjects, from }: ConsumerOptions,
  signal: AbortSignal,
): Promise<JetStreamConsumer> {
  const { nats, manager, inboxPrefix } = connection;
  const deliveries = createFeed<Delivery>(signal);
  const inbox = createInbox(inboxPrefix);
  const name = randomUUID();
  let received = 0;
  let heardAt = performance.now();

  const fail = (problem: string) => {
    deliveries.fail(new LogUnavailable(problem));
    close();
  };

  const subscription = nats.subscribe(inbox, {
    callback: (error, message) => {
      heardAt = performance.now();
      if (error !== null) fail(error.message);
      else if (message.headers !== undefined && message.headers.code !== 0) take(message);
      else deliver(message);
    },
  });

  function deliver(message: Msg): void {
    const place = parseReply(message.reply ?? '');
    if (place === null) fail(`a message came without its place: "${message.reply}"`);
    else if (place.consumerSequence !== received + 1) {
      fail(`messages are missing before ${place.sequence}`);
    } else {
      received = place.consumerSequence;
      const { sequence, pending } = place;
      const entry = { sequence, subject: message.subject, text: message.string() };
      deliveries.push({ type: 'message', entry, pending });
    }
  }

  /** Heartbeats and flow control; anything else means that the consumer is no more. */
  function take(message: Msg): void {
    const { headers } = message;
    if (headers?.code !== control) {
      fail(`the consumer ended: ${headers?.description ?? 'no reason given'}`);
      return;
    }
    // The server waits for an empty answer before it sends more.
    message.respond();
    const stalled = headers.get('Nats-Consumer-Stalled');
    if (stalled !== '') nats.publish(stalled);
    const sent = headers.get('Nats-Last-Consumer');
    if (sent === '') return;
    if (Number(sent) > received) fail('messages are missing before a heartbeat');
    else deliveries.push({ type: 'idle' });
  }

  const stopListening = connection.onLost(fail);
  const watchdog = setInterval(() => {
    if (performance.now() - heardAt > missedHeartbeatsMs) {
      fail('the heartbeats of NATS are missing');
    }
  }, heartbeatMs / 2);
  // Not left to the reader alone: one that rests between two messages would never come by.
  signal.addEventListener('abort', close, { once: true });

  function close(): void {
    clearInterval(watchdog);
    stopListening();
    signal.removeEventListener('abort', close);
    deliveries.end();
    if (subscription.isClosed() || nats.isClosed()) return;
    // The server removes a consumer to which nobody listens. To ask for it would take a permission
    // that cannot tell our own from those of others.
    subscription.unsubscribe();
  }

  try {
    const info = await manager.consumers.add(stream, {
      name,
      deliver_subject: inbox,
      deliver_policy: from,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      ...filterOf(subjects),
      idle_heartbeat: nanos(heartbeatMs),
      flow_control: true,
      inactive_threshold: nanos(abandonedMs),
      mem_storage: true,
      num_replicas: 1,
    });
    heardAt = performance.now();
    return {
      pending: info.num_pending + info.delivered.consumer_seq,
      deliveries,
      close,
      countPending: async () => (await manager.consumers.info(stream, name)).num_pending,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** One filter travels in the API subject, so permissions can tell pools apart. */
function filterOf(subjects: readonly string[]) {
  const [subject] = subjects;
  return subject !== undefined && subjects.length === 1
    ? { filter_subject: subject }
    : { filter_subjects: [...subjects] };
}

/** `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>[.<token>]` */
function parseReply(reply: string) {
  const tokens = reply.split('.');
  const first = tokens.length > 9 ? 7 : 5;
  const [sequence, consumerSequence, , pending] = tokens.slice(first).map(Number);
  if (sequence === undefined || consumerSequence === undefined || pending === undefined) {
    return null;
  }
  return { sequence, consumerSequence, pending };
}
