import { type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import { isRecord } from '../../contracts/json.ts';

/** Answers what the server said; `'done'`: it did as it was told. */
type Attempt = (nats: NatsConnection, api: string) => Promise<unknown>;

/** Also for publications: streams answer them, and refusals come as an error of the request. */
export async function request(
  nats: NatsConnection,
  subject: string,
  body: unknown = '',
): Promise<unknown> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  try {
    const reply = await nats.request(subject, text, { timeout: 2000 });
    return reply.json<{ readonly error?: unknown }>().error ?? 'done';
  } catch (error) {
    return error;
  }
}

async function subscribe(nats: NatsConnection, subject: string): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  nats.subscribe(subject, {
    callback(error) {
      if (error !== null) resolve(error);
    },
  });
  await nats.flush();
  return Promise.race([promise, Promise.resolve('done')]);
}

export function consumer(filter: string, more: object = {}) {
  const config = { name: 'mine', filter_subject: filter, ack_policy: 'none', ...more };
  return { stream_name: 'headgate', config: { deliver_subject: 'x', ...config } };
}

const otherFilter = 'headgate.config.core.>';
export const ownFilter = 'headgate.config.edge.>';
const create = 'CONSUMER.CREATE.headgate';

/** What the user of the pool `edge` may not do, by what somebody would say who wants it. */
export const forbidden: Record<string, Attempt> = {
  'write the configuration of its own pool': (nats) =>
    request(nats, 'headgate.config.edge.forwardproxy.team-a.a'),
  'write the configuration of another pool': (nats) =>
    request(nats, 'headgate.config.core.forwardproxy.team-a.b'),
  'write sealed Secrets': (nats) => request(nats, 'headgate.config.edge._secret.team-a.s'),
  'say that everything is published': (nats) => request(nats, 'headgate.config.edge._pool'),
  'elect a leader': (nats) => request(nats, 'headgate.leader'),
  'write the journal': (nats) => request(nats, 'headgate.journal.edge.forwardproxy.team-a.a'),
  'write status': (nats) => request(nats, 'headgate.status.edge.forwardproxy.team-a.a'),
  'acknowledge for another pool': (nats) => request(nats, 'headgate.ack.core.pod-1', '{}'),
  'acknowledge for all pools': (nats) => request(nats, 'headgate.ack.core'),

  'change the stream': (nats, api) =>
    request(nats, `${api}.STREAM.UPDATE.headgate`, { name: 'headgate', subjects: ['x'] }),
  'make a stream': (nats, api) =>
    request(nats, `${api}.STREAM.CREATE.mine`, { name: 'mine', subjects: ['mine'] }),
  'make a copy of the stream': (nats, api) =>
    request(nats, `${api}.STREAM.CREATE.copy`, { name: 'copy', mirror: { name: 'headgate' } }),
  'purge the stream': (nats, api) => request(nats, `${api}.STREAM.PURGE.headgate`),
  'delete the stream': (nats, api) => request(nats, `${api}.STREAM.DELETE.headgate`),
  'delete the acknowledgements': (nats, api) => request(nats, `${api}.STREAM.DELETE.headgate-ack`),
  'delete a message': (nats, api) => request(nats, `${api}.STREAM.MSG.DELETE.headgate`, { seq: 2 }),
  'read a message by its number': (nats, api) =>
    request(nats, `${api}.STREAM.MSG.GET.headgate`, { seq: 3 }),
  'read a message directly': (nats, api) => request(nats, `${api}.DIRECT.GET.headgate`, { seq: 3 }),
  'read a subject directly': (nats, api) =>
    request(nats, `${api}.DIRECT.GET.headgate.headgate.config.core.forwardproxy.team-a.b`),
  'take a snapshot of the stream': (nats, api) =>
    request(nats, `${api}.STREAM.SNAPSHOT.headgate`, { deliver_subject: 'x' }),
  'move the leader of the stream': (nats, api) =>
    request(nats, `${api}.STREAM.LEADER.STEPDOWN.headgate`),
  'look at the acknowledgements': (nats, api) => request(nats, `${api}.STREAM.INFO.headgate-ack`),
  'list streams': (nats, api) => request(nats, `${api}.STREAM.LIST`),
  'look at the account': (nats, api) => request(nats, `${api}.INFO`),

  'follow another pool': (nats, api) =>
    request(nats, `${api}.${create}.mine.${otherFilter}`, consumer(otherFilter)),
  'follow all pools': (nats, api) =>
    request(nats, `${api}.${create}.mine.headgate.config.>`, consumer('headgate.config.>')),
  'follow everything': (nats, api) => request(nats, `${api}.${create}.mine`, consumer('>')),
  'follow the leader': (nats, api) =>
    request(nats, `${api}.${create}.mine.headgate.leader`, consumer('headgate.leader')),
  'follow another pool under the name of its own': (nats, api) =>
    request(nats, `${api}.${create}.mine.${ownFilter}`, consumer(otherFilter)),
  'follow two pools under the name of its own': (nats, api) => {
    const config = { filter_subjects: [ownFilter, otherFilter], filter_subject: undefined };
    return request(nats, `${api}.${create}.mine.${ownFilter}`, consumer('', config));
  },
  'follow without a filter under the name of its own': (nats, api) =>
    request(
      nats,
      `${api}.${create}.mine.${ownFilter}`,
      consumer('', { filter_subject: undefined }),
    ),
  'follow in the old way': (nats, api) => request(nats, `${api}.${create}`, consumer(otherFilter)),
  'leave a consumer that stays': (nats, api) =>
    request(nats, `${api}.CONSUMER.DURABLE.CREATE.headgate.mine`, consumer(otherFilter)),
  "change somebody else's consumer": (nats, api) =>
    request(
      ...([nats, `${api}.${create}.precious.${ownFilter}`] as const),
      consumer(ownFilter, { name: 'precious', durable_name: 'precious' }),
    ),
  "delete somebody else's consumer": (nats, api) =>
    request(nats, `${api}.CONSUMER.DELETE.headgate.precious`),
  'list consumers': (nats, api) => request(nats, `${api}.CONSUMER.LIST.headgate`),
  "take from somebody else's consumer": (nats, api) =>
    request(nats, `${api}.CONSUMER.MSG.NEXT.headgate.precious`),
  'deliver into the log': (nats, api) =>
    request(
      ...([nats, `${api}.${create}.mine.${ownFilter}`] as const),
      consumer(ownFilter, { deliver_subject: 'headgate.leader' }),
    ),

  'hear everything': (nats) => subscribe(nats, '>'),
  'hear configuration as it is written': (nats) => subscribe(nats, 'headgate.config.>'),
  'hear its own configuration past the log': (nats) => subscribe(nats, ownFilter),
  'hear acknowledgements': (nats) => subscribe(nats, 'headgate.ack.edge.>'),
  'hear answers to others': (nats) => subscribe(nats, '_HEADGATE.>'),
  'hear answers to another pool': (nats) => subscribe(nats, '_HEADGATE.headgate.pool.core.>'),
  'hear answers to the operator': (nats) => subscribe(nats, '_HEADGATE.headgate.operator.>'),
  'hear answers to anybody': (nats) => subscribe(nats, '_INBOX.>'),
  'hear the system': (nats) => subscribe(nats, '$SYS.>'),
};

/** Nothing but a refusal: an attempt that finds nobody would find somebody another day. */
export function isRefusal(outcome: unknown): boolean {
  if (isRecord(outcome)) {
    const chain = outcome instanceof Error ? [outcome, outcome.cause] : [];
    return 'err_code' in outcome || chain.some((each) => each instanceof PermissionViolationError);
  }
  return false;
}
