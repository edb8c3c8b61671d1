import { type Acknowledgement, isAcknowledgement } from '../contracts/acknowledgement.ts';
import type { Subjects } from '../contracts/subjects.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { StoredEntry } from './entry.ts';
import { LogUnavailable } from './event-log.ts';
import type { JetStreamConnection } from './jetstream-connection.ts';
import { followStream } from './jetstream-follow.ts';
import { publish } from './jetstream-publish.ts';
import { ensureAckStream } from './jetstream-streams.ts';

/** In a stream of their own, in memory: the operator that starts late hears each pod's last word. */
export function createJetStreamAcknowledgements(
  connection: JetStreamConnection,
  subjects: Subjects,
  replicas: number,
): Acknowledgements {
  const followed = {
    stream: subjects.ackStream,
    subjects: [subjects.allAcks],
    // A restart of NATS forgets a stream in memory.
    prepare: () => ensureAckStream(connection.manager, subjects, replicas),
  };

  return {
    async send(acknowledgement) {
      const { pool, instance } = acknowledgement;
      const message = {
        subject: subjects.ack(pool, instance),
        text: JSON.stringify(acknowledgement),
        headers: {},
      };
      const outcome = await publish(connection, [message]);
      if (outcome.type === 'appended') return;
      const problem = 'problem' in outcome ? outcome.problem : outcome.type;
      throw new LogUnavailable(`the acknowledgement was not heard: ${problem}`);
    },

    async *watch(signal) {
      for await (const update of followStream(connection, followed, signal)) {
        if (update.type === 'disconnected') continue;
        const entries = update.type === 'snapshot' ? update.entries : [update.entry];
        yield* entries.map(decode).filter((acknowledgement) => acknowledgement !== null);
      }
    },
  };
}

/** `null` for what no pod of ours can have sent. */
function decode({ text }: StoredEntry): Acknowledgement | null {
  try {
    const value: unknown = JSON.parse(text);
    return isAcknowledgement(value) ? value : null;
  } catch {
    return null;
  }
}
