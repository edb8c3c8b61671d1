import { createServer, type Server } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { Refusal } from '../../contracts/acknowledgement.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import { createMeter } from '../../runtime/count.ts';
import { serveOf } from '../kinds/all-kinds.ts';
import { openLimits } from '../limits/shared-limits.ts';
import { createDialer } from '../net/dial.ts';
import { createResolver } from '../net/resolver.ts';
import { sharersOf, socketKey } from '../reload/plan.ts';
import { createAccessLog } from './access-log-batch.ts';
import type { PasswordCheck, Serving, Sharers, WorkerContext } from './context.ts';
import type {
  FromWorker,
  PasswordResult,
  ServedResource,
  ServedSocket,
  SnapshotChange,
  ToWorker,
  WorkerSettings,
} from './messages.ts';
import { createSelfAddresses } from './self.ts';

/**
 * A serving thread: takes snapshots, accepts on the sockets it is given, serves. It knows no log
 * and no password, and is replaced when it dies.
 */
const settings: WorkerSettings = workerData;
if (parentPort === null) throw new Error('this file runs as a worker thread');
const main = parentPort;
const tell = (message: FromWorker) => main.postMessage(message);

const sweepMs = 1000;
const refreshAddressesMs = 15_000;
const keepAliveMs = 45_000;
/** A thread that does not answer so long has died, or might as well have. */
const evictionMs = 1000;

const meter = createMeter((message) => tell({ type: 'meter', message }));
const dialer = createDialer(Math.floor(settings.maxConnections / settings.workers));
const self = createSelfAddresses();
const accessLog = createAccessLog((lines) => tell({ type: 'accessLog', lines }));
const checks = new Map<number, (result: PasswordResult) => void>();
let lastCheck = 0;
const evictions = new Map<number, { readonly done: () => void; readonly sinceMs: number }>();
let lastEviction = 0;

const lookupSeconds = meter.histogram('headgate_dns_lookup_duration_seconds', {});

const context: WorkerContext = {
  worker: settings.worker,
  workers: settings.workers,
  seed: settings.seed,
  meter,
  dialer,
  pod: openLimits(settings.podLimits, settings.worker),
  maxConnections: settings.maxConnections,
  resolver: createResolver({
    servers: settings.dnsServers,
    hostsFile: settings.hostsFile,
    resolvConf: settings.resolvConf,
    observe(result, seconds) {
      meter.cell('headgate_dns_lookups_total', { result }).add(1);
      if (seconds !== null) lookupSeconds.observe(seconds);
    },
  }),
  isSelf: (ip, port) => self.has(ip, port),
  accessLog: (line) => accessLog.add(line),
  checkPassword(request: PasswordCheck, done) {
    const id = ++lastCheck;
    checks.set(id, done);
    tell({ type: 'checkPassword', id, ...request });
  },
  evictIdle: (holder, uid, done) => {
    const id = ++lastEviction;
    evictions.set(id, { done, sinceMs: Date.now() });
    tell({ type: 'evictIdle', uid, holder, id });
  },
  error: (message, error) => {
    const fields = {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
    tell({ type: 'log', level: 'error', message, fields });
  },
};

const serving = new Map<string, Serving<Kind>>();
/** Removed resources whose connections are still open. */
const leaving = new Set<Serving<Kind>>();
type Acceptor = { readonly server: Server; owner: ServedSocket; sharers: Sharers };
const acceptors = new Map<string, Acceptor>();
let draining = false;
const remaining = meter.cell('headgate_drain_remaining', {});

function takeChange({ version, ...change }: SnapshotChange): void {
  if (change.self !== null) self.set(change.self);
  const refusals: Refusal[] = [];
  for (const resource of change.resources) serve(resource);
  for (const uid of change.removed) remove(uid);
  for (const key of change.closed) {
    // The descriptor is closed when this returns. The callback would wait for the connections too,
    // and every later change with it.
    acceptors.get(key)?.server.close();
    acceptors.delete(key);
  }
  let waiting = 1;
  const settled = () => {
    if (--waiting === 0) tell({ type: 'applied', version, refusals });
  };
  for (const socket of change.sockets) {
    const acceptor = acceptors.get(socketKey(socket));
    if (acceptor !== undefined) {
      handOver(acceptor, socket);
    } else if (socket.fd !== null && !draining) {
      waiting++;
      listen(socket, socket.fd, (problem) => {
        if (problem !== null) context.error(`cannot listen on ${socketKey(socket)}`, problem);
        settled();
      });
    }
  }
  settled();
}

function remove(uid: string): void {
  const removed = serving.get(uid);
  if (removed === undefined) return;
  serving.delete(uid);
  leaving.add(removed);
  removed.drain();
}

function serve<K extends Kind>(resource: ServedResource<K>): void {
  const running = serving.get(resource.uid);
  if (running !== undefined) running.swap(resource);
  else serving.set(resource.uid, serveOf(resource.kind)(context, resource));
}

function servingsOf(socket: ServedSocket): readonly Serving<Kind>[] {
  return sharersOf(socket).flatMap((uid) => serving.get(uid) ?? []);
}

function handOver(acceptor: Acceptor, socket: ServedSocket): void {
  const all = servingsOf(socket);
  const shared = acceptor.sharers.all.some((each) => all.includes(each));
  acceptor.owner = socket;
  // The connections there are do not concern who takes over a port from others.
  if (shared) acceptor.sharers.all = all;
  else acceptor.sharers = { all };
}

/** Calls back once: whether it listens decides nothing for the others. */
function listen(owner: ServedSocket, fd: number, done: (problem: Error | null) => void): void {
  const options = {
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
  };
  const server = createServer(options);
  const acceptor: Acceptor = { server, owner, sharers: { all: servingsOf(owner) } };
  server.on('connection', (socket) => {
    const { owner, sharers } = acceptor;
    const target = serving.get(owner.uid);
    if (target === undefined) socket.destroy();
    else target.accept(socket, owner.listener, sharers);
  });
  server.on('error', done); // before it listens; an accept that fails has no event
  acceptors.set(socketKey(owner), acceptor);
  server.listen({ fd }, () => done(null));
}

function drain(): void {
  draining = true;
  for (const { server } of acceptors.values()) server.close();
  acceptors.clear();
  for (const running of serving.values()) running.drain();
  reportDrained();
}

function reportDrained(): void {
  const open = [...serving.values(), ...leaving].reduce((sum, running) => sum + running.open(), 0);
  if (draining && open === 0) {
    accessLog.flush();
    tell({ type: 'drained' });
  }
}

function evicted(id: number): void {
  const eviction = evictions.get(id);
  evictions.delete(id);
  eviction?.done();
}

function sweep(): void {
  const nowMs = Date.now();
  for (const [id, { sinceMs }] of evictions) if (nowMs - sinceMs >= evictionMs) evicted(id);
  dialer.sweep(nowMs);
  for (const running of serving.values()) running.sweep(nowMs);
  let left = 0;
  for (const removed of leaving) {
    removed.sweep(nowMs);
    if (removed.open() === 0) {
      leaving.delete(removed);
      removed.close();
    }
    left += removed.open();
  }
  remaining.set(left);
  if (draining) reportDrained();
}

main.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'snapshot':
      return takeChange(message.change);
    case 'drain':
      return drain();
    case 'passwordChecked':
      checks.get(message.id)?.(message.result);
      checks.delete(message.id);
      return;
    case 'evictIdle':
      serving.get(message.uid)?.evictIdle();
      return tell({ type: 'idleEvicted', asker: message.asker, id: message.id });
    case 'idleEvicted':
      return evicted(message.id);
  }
});
setInterval(sweep, sweepMs);
setInterval(() => self.refresh(), refreshAddressesMs);
tell({ type: 'ready' });
