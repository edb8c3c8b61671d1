import { DeliverPolicy } from '@nats-io/jetstream';
import { tryDecode } from './entry.ts';
import type { LogEntry } from './event-log.ts';
import type { JetStreamConnection } from './jetstream-connection.ts';
import { type Delivery, type JetStreamConsumer, openConsumer } from './jetstream-consumer.ts';
import { readLogState } from './jetstream-streams.ts';

/** Everything kept up to now. Fails rather than leave something out: its reader asks again. */
export async function* readHistory(
  connection: JetStreamConnection,
  stream: string,
  subjects: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<LogEntry> {
  const { lastSequence } = await readLogState(connection.manager, stream);
  const from = DeliverPolicy.All;
  const consumer = await openConsumer(connection, { stream, subjects, from }, signal);
  try {
    if (consumer.pending === 0) return;
    for await (const delivery of consumer.deliveries) {
      const entry = delivery.type === 'message' ? tryDecode(delivery.entry) : null;
      if (entry !== null && entry.sequence <= lastSequence) yield entry;
      if (await isLast(consumer, delivery, lastSequence)) return;
    }
  } finally {
    consumer.close();
  }
}

async function isLast(
  consumer: JetStreamConsumer,
  delivery: Delivery,
  lastSequence: number,
): Promise<boolean> {
  if (delivery.type === 'idle') return (await consumer.countPending()) === 0;
  return delivery.pending === 0 || delivery.entry.sequence >= lastSequence;
}
