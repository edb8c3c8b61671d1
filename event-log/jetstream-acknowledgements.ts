import { type Acknowledgement, readAcknowledgement } from '../contracts/acknowledgement.ts';
import type { Subjects } from '../contracts/subjects.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { StoredEntry } from './entry.ts';
import { LogUnavailable } from './event-log.ts';
import type { JetStreamConnection } from './jetstream-connection.ts';
import { followStream } from './jetstream-follow.ts';
import { publish } from './jetstream-publish.ts';
import { ensureAckStream, findStream } from './jetstream-streams.ts';

/** In a stream of their own, in memory: the operator that starts late hears each pod's last word. */
export function createJetStreamAcknowledgements(
  connection: JetStreamConnection,
  subjects: Subjects,
  replicas: number,
): Acknowledgements {
  const spoken = { stream: subjects.ackStream, subjects: [subjects.allAcks] };
  const followed = {
    ...spoken,
    // A restart of NATS forgets a stream in memory.
    prepare: () => ensureAckStream(connection.manager, subjects, replicas),
  };

  /** Who only looks may have no right to make a stream: where there is none, nobody has spoken. */
  async function hasSpoken(): Promise<boolean> {
    try {
      return (await findStream(connection.manager, subjects.ackStream)) !== null;
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      throw new LogUnavailable(`acknowledgements cannot be read: ${problem}`, { cause });
    }
  }

  /**
   * `null` for what no pod of ours can have sent. The server lets a pool's user write under the
   * subjects of its pool alone; what it says there must not be about another.
   */
  function decode({ subject, text }: StoredEntry): Acknowledgement | null {
    try {
      const said = readAcknowledgement(JSON.parse(text));
      return said !== null && subjects.ack(said.pool, said.instance) === subject ? said : null;
    } catch {
      return null;
    }
  }

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

    async latest(signal) {
      if (!(await hasSpoken())) return [];
      for await (const update of followStream(connection, spoken, signal)) {
        if (update.type === 'disconnected') throw new LogUnavailable(update.problem);
        if (update.type !== 'snapshot') continue;
        return update.entries.map(decode).filter((acknowledgement) => acknowledgement !== null);
      }
      return [];
    },
  };
}
