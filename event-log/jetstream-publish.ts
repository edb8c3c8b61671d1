import { randomUUID } from 'node:crypto';
import { headers, RequestError } from '@nats-io/transport-node';
import { isRecord } from '../contracts/json.ts';
import type { JetStreamConnection } from './jetstream-connection.ts';

export type Message = {
  readonly subject: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
};

export type Outcome =
  /** `sequence` is that of the last message. */
  | { readonly type: 'appended'; readonly sequence: number }
  /** An expectation about sequences did not hold; nothing was written. */
  | { readonly type: 'outdated' }
  | { readonly type: 'full'; readonly problem: string }
  | { readonly type: 'tooLarge'; readonly problem: string }
  /** It may or may not have been written. */
  | { readonly type: 'unknown'; readonly problem: string };

const wrongLastSequence = 10071;
const wrongLastSequenceConstant = 10164;
const messageTooLarge = 10054;
/** Maximum bytes exceeded, insufficient resources, insufficient storage. */
const noRoom = [10077, 10023, 10047];

/**
 * Publishes all messages or none. The headers are set by hand: the library's batches drop
 * expectations without a word, and report each failure as a wrong number of messages.
 */
export async function publish(
  { nats, timeoutMs }: JetStreamConnection,
  messages: readonly Message[],
): Promise<Outcome> {
  const batch = messages.length > 1 ? randomUUID() : null;
  const last = messages.length - 1;
  try {
    for (const [index, message] of messages.entries()) {
      const options = { headers: toHeaders(message, batch, index, index === last) };
      if (index < last) nats.publish(message.subject, message.text, options);
      else {
        const request = { ...options, timeout: timeoutMs };
        return toOutcome((await nats.request(message.subject, message.text, request)).json());
      }
    }
  } catch (error) {
    return { type: 'unknown', problem: problemOf(error) };
  }
  throw new RangeError('there is nothing to publish');
}

function toHeaders(message: Message, batch: string | null, index: number, isLast: boolean) {
  const all = headers();
  for (const [name, value] of Object.entries(message.headers)) all.set(name, value);
  if (batch === null) return all;
  all.set('Nats-Batch-Id', batch);
  all.set('Nats-Batch-Sequence', String(index + 1));
  if (isLast) all.set('Nats-Batch-Commit', '1');
  return all;
}

function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof RequestError && error.isNoResponders()
    ? 'no stream takes the subject'
    : error.message;
}

function toOutcome(reply: unknown): Outcome {
  if (!isRecord(reply)) return { type: 'unknown', problem: 'NATS did not answer with an object' };
  const { error, seq } = reply;
  if (!isRecord(error)) {
    return typeof seq === 'number' && seq > 0
      ? { type: 'appended', sequence: seq }
      : { type: 'unknown', problem: 'NATS answered without a sequence' };
  }
  const code = Number(error['err_code']);
  const problem = String(error['description']);
  if (code === wrongLastSequence || code === wrongLastSequenceConstant) return { type: 'outdated' };
  if (code === messageTooLarge) return { type: 'tooLarge', problem };
  return { type: noRoom.includes(code) ? 'full' : 'unknown', problem };
}
