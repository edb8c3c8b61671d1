import { setTimeout } from 'node:timers/promises';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { explainNatsFailure } from './nats-failure.ts';

const probeMs = 5000;

/**
 * Why there is no connection: the client tries again for ever and tells nobody what it meets. While
 * it is disconnected, a connection of our own is tried now and then; what ends it is the reason.
 */
export function watchForFailure(nats: NatsConnection, options: NodeConnectionOptions) {
  let failure: string | null = null;
  let ended: AbortController | null = null;

  async function probe({ signal }: AbortController): Promise<void> {
    while (!signal.aborted && !nats.isClosed()) {
      failure = await tryOnce(options);
      await setTimeout(probeMs, null, { signal, ref: false }).catch(() => null);
    }
  }

  return {
    disconnected() {
      if (ended !== null) return;
      ended = new AbortController();
      void probe(ended);
    },
    connected() {
      ended?.abort();
      ended = null;
      failure = null;
    },
    /** `null`: there is a connection, or nothing is known against one. */
    failure: () => (ended === null || failure === null ? null : `cannot reach NATS: ${failure}`),
  };
}

async function tryOnce(options: NodeConnectionOptions): Promise<string | null> {
  try {
    const nats = await connect({ ...options, reconnect: false, maxReconnectAttempts: 0 });
    await nats.close();
    return null;
  } catch (error) {
    return explainNatsFailure(error, options.tls !== undefined);
  }
}
