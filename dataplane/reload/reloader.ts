import type { Refusal } from '../../contracts/acknowledgement.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import { formatKey } from '../../contracts/resource-key.ts';
import type { Log } from '../../runtime/log.ts';
import type { InForce } from '../desired-state/acknowledge.ts';
import type { DesiredResource, DesiredState } from '../desired-state/desired-state.ts';
import { wantedOf } from '../kinds/wanted.ts';
import { type BoundSocket, bind } from '../net/listen.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import { findUnusable } from '../serving/tls-listener.ts';
import type { SelfEndpoint, ServedResource } from '../workers/messages.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import { endpointsFor } from './endpoints.ts';
import {
  ownersOf,
  planSockets,
  type SocketClaim,
  type SocketOwner,
  type Sockets,
  sharersOf,
  socketKey,
} from './plan.ts';
import { sharedMemory } from './shared-memory.ts';

/**
 * Brings what runs to what is wanted, one state at a time, the newest first: states that come
 * meanwhile replace each other. A resource whose new version cannot be had keeps its old one.
 */
export type Reloader = AsyncDisposable & {
  want(state: DesiredState): void;
  /** The versions that run. */
  served(): Iterable<ServedResource<Kind>>;
};

export type ReloaderSettings = {
  readonly workers: number;
  readonly pool: WorkerPool;
  readonly secrets: SecretBox;
  /** Endpoints no client may be sent to, besides the listeners. */
  readonly self: readonly SelfEndpoint[];
  readonly logger: Log;
  onApplied(inForce: Omit<InForce, 'draining' | 'health'>): void;
};

/** A version that runs, or is about to. */
type Version = ServedResource<Kind> & { readonly sockets: readonly SocketClaim[] };

/** Ports get free, and sealing keys arrive, without anybody telling: what lacks them is tried again. */
const passes: ReadonlySet<Refusal['reason']> = new Set(['PortUnavailable', 'SecretUnreadable']);
const retryMs = 2_000;

export function createReloader(settings: ReloaderSettings): Reloader {
  const { pool, secrets, logger, workers } = settings;
  const bound = new Map<string, BoundSocket>();
  let owners: Sockets = new Map();
  let running: ReadonlyMap<string, Version> = new Map();
  let version = 0;
  let wanted: DesiredState | null = null;
  let busy: Promise<void> | null = null;
  let retry: NodeJS.Timeout | null = null;
  let soon: NodeJS.Immediate | null = null;
  let closed = false;

  async function candidate(
    state: DesiredState,
    resource: DesiredResource,
    refusals: Refusal[],
  ): Promise<Version | null> {
    const { key, uid, generation, sequence, content } = resource;
    const keep = (reason: Refusal['reason'], code: ErrorCode, message: string) => {
      refusals.push({ resource: formatKey(key), sequence, reason, code, message });
      return running.get(uid) ?? null;
    };
    if (!content.servable)
      return keep(content.reason, 'proxy_configuration_error', content.message);
    const { config } = content;
    const needs = wantedOf(key, config);
    const endpoints = endpointsFor(state, needs.services);
    const known = running.get(uid);
    if (known?.sequence === sequence) {
      const isSame = known.endpointsSequence === endpoints.endpointsSequence;
      return isSame ? known : { ...known, ...endpoints };
    }
    const { listeners, secrets: needed } = needs;
    const problem = await secrets.open(state, needed);
    if (problem !== null) return keep('SecretUnreadable', 'proxy_configuration_error', problem);
    const certificates = secrets.certificates(needed);
    const unusable = findUnusable(certificates);
    if (unusable !== null) return keep('SecretUnreadable', 'proxy_configuration_error', unusable);
    return {
      ...key,
      uid,
      generation,
      sequence,
      config,
      ...endpoints,
      secrets: Object.fromEntries(
        needed.map((secret) => [`${secret.namespace}/${secret.name}`, secret.digest]),
      ),
      certificates,
      ...sharedMemory(workers, known ?? null, needs),
      sockets: listeners.map(({ name, address, port, sharing }) => {
        return { address, port, uid, listener: name, sharing, seniority: needs.seniority };
      }),
    };
  }

  /** Binds what a version adds; on the first failure the version is refused and its old one stays. */
  async function tryOpen(
    sockets: readonly SocketOwner[],
    versions: Map<string, Version>,
    refusals: Refusal[],
  ) {
    for (const socket of sockets) {
      const wanting = sharersOf(socket)
        .flatMap((uid) => versions.get(uid) ?? [])
        .filter((next) => next.sockets.some((other) => socketKey(other) === socketKey(socket)));
      if (wanting.length === 0) continue; // refused a moment ago, for another port
      try {
        bound.set(socketKey(socket), await bind(socket.address, socket.port));
      } catch (error) {
        const problem = bindProblem(error);
        for (const next of wanting) refuse(next, socket, problem, versions, refusals);
      }
    }
  }

  function refuse(
    next: Version,
    { address, port, listener }: SocketClaim,
    problem: string,
    versions: Map<string, Version>,
    refusals: Refusal[],
  ): void {
    const message = `listener "${listener}" cannot have ${address} port ${port}: ${problem}`;
    const { sequence, uid } = next;
    const refusal = {
      resource: formatKey(next),
      sequence,
      reason: 'PortUnavailable',
      code: 'proxy_configuration_error',
      message,
    } as const;
    refusals.push(refusal);
    const old = running.get(uid);
    if (old === undefined) versions.delete(uid);
    else versions.set(uid, old);
  }

  function socketsOf(versions: ReadonlyMap<string, Version>): Sockets {
    return ownersOf(
      versions.values().flatMap(({ sockets }) => sockets),
      owners,
    );
  }

  /** Refuses who claims a socket that its holder kept, until each has what it claims. */
  function settle(versions: Map<string, Version>, refusals: Refusal[]): void {
    for (;;) {
      const sockets = socketsOf(versions);
      const claims = [...versions.values()]
        .filter((next) => next !== running.get(next.uid))
        .flatMap((next) => next.sockets.map((socket) => ({ next, socket })));
      const lost = claims.find(({ socket }) => !has(sockets.get(socketKey(socket)), socket));
      if (lost === undefined) return;
      const problem = 'another resource keeps it, because its own change was refused';
      refuse(lost.next, lost.socket, problem, versions, refusals);
    }
  }

  async function publish(versions: ReadonlyMap<string, Version>, sockets: Sockets): Promise<void> {
    const listening = [...sockets.values()].filter((socket) => bound.has(socketKey(socket)));
    const self = [...settings.self, ...listening.map(({ address, port }) => ({ address, port }))];
    const resources = [...versions.values()].map(({ sockets: _sockets, ...resource }) => resource);
    await pool.apply(
      {
        version: ++version,
        resources,
        self,
        sockets: listening.map(({ address, port, uid, listener, others }) => {
          return { address, port, uid, listener, others, fd: null };
        }),
      },
      bound,
    );
    for (const [key, socket] of bound) {
      if (sockets.has(key)) continue;
      bound.delete(key);
      socket.close();
    }
  }

  async function apply(state: DesiredState): Promise<void> {
    const refusals: Refusal[] = [];
    const versions = new Map<string, Version>();
    for (const resource of state.resources.values()) {
      const next = await candidate(state, resource, refusals);
      if (next !== null) versions.set(next.uid, next);
    }
    const plan = planSockets(owners, socketsOf(versions));
    await tryOpen(plan.open, versions, refusals);
    settle(versions, refusals);
    if (plan.openAfterClose.length > 0) {
      await publish(versions, socketsOf(versions));
      await tryOpen(plan.openAfterClose, versions, refusals);
      settle(versions, refusals);
      await reopen(versions);
    }
    const sockets = socketsOf(versions);
    await publish(versions, sockets);
    owners = new Map([...sockets].filter(([key]) => bound.has(key)));
    running = versions;
    secrets.retain([...versions.values()].flatMap((running) => Object.values(running.secrets)));
    settings.onApplied({
      logId: state.logId,
      applied: state.sequence,
      table: new Map(
        [...versions.values()].map((running) => [formatKey(running), running.sequence]),
      ),
      refusals,
    });
    if (refusals.some(({ reason }) => passes.has(reason))) tryLater();
  }

  function tryLater(): void {
    retry ??= setTimeout(() => {
      retry = null;
      kick();
    }, retryMs);
  }

  /** A version that kept its old sockets lost some to the attempt: take them back. */
  async function reopen(versions: ReadonlyMap<string, Version>): Promise<void> {
    for (const [key, { address, port }] of socketsOf(versions)) {
      if (bound.has(key)) continue;
      try {
        bound.set(key, await bind(address, port));
      } catch (error) {
        logger.error('a listener was lost in a failed change', { address, port, error });
      }
    }
  }

  function kick(): void {
    if (busy !== null || closed || wanted === null) return;
    const state = wanted;
    busy = apply(state)
      .catch((error: unknown) => {
        logger.error('reload failed, trying again', { error });
        if (!closed) tryLater();
      })
      .finally(() => {
        busy = null;
        if (wanted !== state) kick();
      });
  }

  return {
    want(state) {
      wanted = state;
      // Entries that were appended together arrive one by one in the same turn of the event loop:
      // two resources that swap ports must not be seen in between.
      soon ??= setImmediate(() => {
        soon = null;
        kick();
      });
    },
    served: () => running.values(),
    async [Symbol.asyncDispose]() {
      closed = true;
      if (retry !== null) clearTimeout(retry);
      if (soon !== null) clearImmediate(soon);
      await busy;
      for (const socket of bound.values()) socket.close();
      bound.clear();
    },
  };
}

function has(owner: SocketOwner | undefined, { uid }: SocketClaim): boolean {
  return owner !== undefined && sharersOf(owner).includes(uid);
}

function bindProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'EADDRINUSE':
      return 'another process has it (EADDRINUSE)';
    case 'EACCES':
      return 'this process may not bind it (EACCES): ports below 1024 need a privilege';
    case 'EADDRNOTAVAIL':
      return 'this machine does not have the address (EADDRNOTAVAIL)';
    default:
      return code === '' ? String(error) : code;
  }
}
