import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { LogUnavailable } from './event-log.ts';
import { explainNatsFailure } from './nats-failure.ts';
import { watchForFailure } from './nats-probe.ts';

/** A connection that is never given up, and who wants to hear when it is lost. */
export type JetStreamConnection = AsyncDisposable & {
  /** Its owner has ended it: what hangs on it ends too, without complaint. */
  readonly isEnded: () => boolean;
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
  readonly inboxPrefix: string | undefined;
  /** What one request may take before its outcome is called unknown. */
  readonly timeoutMs: number;
  /** Why there is no connection, as far as it is known; `null` while there is one. */
  readonly failure: () => string | null;
  /** Calls `lost` once, when messages may have been missed. Returns the way to stop listening. */
  onLost(lost: (problem: string) => void): () => void;
  /** Resolves after a while, or as soon as there is a connection again, or with `signal`. */
  pause(ms: number, signal?: AbortSignal): Promise<void>;
};

const defaultTimeoutMs = 2000;
const connectMs = 5000;

export type NatsOptions = Pick<
  NodeConnectionOptions,
  | 'user'
  | 'pass'
  | 'token'
  | 'authenticator'
  | 'tls'
  | 'inboxPrefix'
  | 'name'
  // Behind a port-forward the server's own idea of its address leads nowhere.
  | 'ignoreClusterUpdates'
> & {
  /** `nats://[user:password@]host:port`, or `tls://…`, separated by commas. */
  readonly servers: string;
  readonly timeoutMs?: number;
  /** Where the API of JetStream is found, if not at `$JS.API`. */
  readonly apiPrefix?: string;
};

/** Throws {@link LogUnavailable} if no server answers now; afterwards it reconnects for ever. */
export async function connectToNats(options: NatsOptions): Promise<JetStreamConnection> {
  const { servers, timeoutMs = defaultTimeoutMs, apiPrefix = '$JS.API', ...rest } = options;
  const { addresses, credentials, isEncrypted } = parseServers(servers);
  const wanted: NodeConnectionOptions = {
    ...credentials,
    // Only with this does the client refuse a server that offers no TLS.
    ...(isEncrypted && { tls: {} }),
    ...rest,
    servers: addresses,
    maxReconnectAttempts: -1,
    // Credentials that are rotated are wrong for a while.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    // Of one attempt to connect, with TLS and login.
    timeout: connectMs,
    pingInterval: 5000,
    maxPingOut: 2,
  };
  let nats: NatsConnection;
  try {
    nats = await connect(wanted);
  } catch (cause) {
    const problem = explainNatsFailure(cause, wanted.tls !== undefined);
    throw new LogUnavailable(`cannot reach NATS at ${addresses.join(', ')}: ${problem}`, { cause });
  }
  // Without checkAPI: a pod's user may not ask for account information.
  const manager = await jetstreamManager(nats, { checkAPI: false, timeout: timeoutMs, apiPrefix });
  let ended = false;
  return {
    nats,
    manager,
    inboxPrefix: rest.inboxPrefix,
    timeoutMs,
    ...watchConnection(nats, wanted),
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
  const isEncrypted = urls.some(({ protocol }) => protocol === 'tls:');
  return { addresses: urls.map(({ href }) => href), credentials, isEncrypted };
}

function credentialsOf({ username, password }: URL): NodeConnectionOptions {
  const user = decodeURIComponent(username);
  return password === '' ? { token: user } : { user, pass: decodeURIComponent(password) };
}

function watchConnection(
  nats: NatsConnection,
  options: NodeConnectionOptions,
): Pick<JetStreamConnection, 'onLost' | 'pause' | 'failure'> {
  const { disconnected, connected, failure } = watchForFailure(nats, options);
  const listeners = new Set<(problem: string) => void>();
  const waiting = new Set<() => void>();

  const lost = (problem: string) => {
    const told = [...listeners];
    listeners.clear();
    for (const listener of told) listener(problem);
  };

  async function watch(): Promise<void> {
    for await (const status of nats.status()) {
      if (status.type === 'disconnect') {
        disconnected();
        lost('the connection to NATS is lost');
      }
      // A server in lame-duck mode moves its clients: what it sent meanwhile may be gone.
      if (status.type === 'reconnect') {
        connected();
        lost('the connection to NATS was interrupted');
        for (const wake of waiting) wake();
      }
    }
    connected(); // nothing to look for any more
    lost('the connection to NATS is closed');
    for (const wake of waiting) wake();
  }
  void watch();

  return {
    failure,
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
