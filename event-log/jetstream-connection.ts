import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { LogUnavailable } from './event-log.ts';

/** A connection that is never given up, and who wants to hear when it is lost. */
export type JetStreamConnection = AsyncDisposable & {
  /** Its owner has ended it: what hangs on it ends too, without complaint. */
  readonly isEnded: () => boolean;
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
  readonly inboxPrefix: string | undefined;
  /** What one request may take before its outcome is called unknown. */
  readonly timeoutMs: number;
  /** Calls `lost` once, when messages may have been missed. Returns the way to stop listening. */
  onLost(lost: (problem: string) => void): () => void;
  /** Resolves after a while, or as soon as there is a connection again, or with `signal`. */
  pause(ms: number, signal?: AbortSignal): Promise<void>;
};

const defaultTimeoutMs = 2000;

export type NatsOptions = Pick<
  NodeConnectionOptions,
  'user' | 'pass' | 'token' | 'authenticator' | 'tls' | 'inboxPrefix' | 'name'
> & {
  /** `nats://[user:password@]host:port`, separated by commas. */
  readonly servers: string;
  readonly timeoutMs?: number;
};

/** Throws {@link LogUnavailable} if no server answers now; afterwards it reconnects for ever. */
export async function connectToNats(options: NatsOptions): Promise<JetStreamConnection> {
  const { servers, timeoutMs = defaultTimeoutMs, ...rest } = options;
  const { addresses, credentials } = parseServers(servers);
  let nats: NatsConnection;
  try {
    nats = await connect({
      ...credentials,
      ...rest,
      servers: addresses,
      maxReconnectAttempts: -1,
      // Credentials that are rotated are wrong for a while.
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: 100,
      reconnectJitter: 100,
      pingInterval: 5000,
      maxPingOut: 2,
    });
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new LogUnavailable(`cannot reach NATS at ${addresses.join(', ')}: ${problem}`, { cause });
  }
  // Without checkAPI: a pod's user may not ask for account information.
  const manager = await jetstreamManager(nats, { checkAPI: false, timeout: timeoutMs });
  let ended = false;
  return {
    nats,
    manager,
    inboxPrefix: rest.inboxPrefix,
    timeoutMs,
    ...watchConnection(nats),
    isEnded: () => ended,
    async [Symbol.asyncDispose]() {
      ended = true;
      if (!nats.isClosed()) await nats.close();
    },
  };
}

/** The client ignores credentials in an address. */
function parseServers(servers: string) {
  const urls = servers.split(',').map((server) => {
    const text = server.trim();
    const url = URL.parse(text.includes('://') ? text : `nats://${text}`);
    // Without the address: it may hold a password.
    if (url === null) throw new LogUnavailable('the address of NATS is no URL: nats://host:port');
    return url;
  });
  const [first] = urls.filter(({ username }) => username !== '');
  const credentials = first === undefined ? {} : credentialsOf(first);
  for (const url of urls) {
    url.username = '';
    url.password = '';
  }
  return { addresses: urls.map(({ href }) => href), credentials };
}

function credentialsOf({ username, password }: URL): NodeConnectionOptions {
  const user = decodeURIComponent(username);
  return password === '' ? { token: user } : { user, pass: decodeURIComponent(password) };
}

function watchConnection(nats: NatsConnection): Pick<JetStreamConnection, 'onLost' | 'pause'> {
  const listeners = new Set<(problem: string) => void>();
  const waiting = new Set<() => void>();

  const lost = (problem: string) => {
    const told = [...listeners];
    listeners.clear();
    for (const listener of told) listener(problem);
  };

  async function watch(): Promise<void> {
    for await (const status of nats.status()) {
      if (status.type === 'disconnect') lost('the connection to NATS is lost');
      // A server in lame-duck mode moves its clients: what it sent meanwhile may be gone.
      if (status.type === 'reconnect') {
        lost('the connection to NATS was interrupted');
        for (const wake of waiting) wake();
      }
    }
    lost('the connection to NATS is closed');
    for (const wake of waiting) wake();
  }
  void watch();

  return {
    onLost(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    pause(ms, signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      waiting.add(resolve);
      const stop = () => resolve();
      signal?.addEventListener('abort', stop, { once: true });
      if (signal?.aborted) resolve();
      return promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(resolve);
        signal?.removeEventListener('abort', stop);
      });
    },
  };
}
