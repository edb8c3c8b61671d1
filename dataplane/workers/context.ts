import type { Socket } from 'node:net';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Meter } from '../../runtime/count.ts';
import type { SharedLimits } from '../limits/shared-limits.ts';
import type { Dialer } from '../net/dial.ts';
import type { NameResolver } from '../net/resolver.ts';
import type { Ip } from '../protocols/ip-address.ts';
import type { PasswordResult, ServedResource } from './messages.ts';

/** What a serving thread gives every kind it serves. */
export type WorkerContext = {
  readonly worker: number;
  readonly workers: number;
  readonly seed: number;
  /** Places of the whole process, `maxConnections` in all: descriptors are finite. */
  readonly pod: SharedLimits;
  readonly maxConnections: number;
  readonly resolver: NameResolver;
  readonly dialer: Dialer;
  readonly meter: Meter;
  /** Whether an address is a listener or the admin endpoint of this process. */
  isSelf(ip: Ip, port: number): boolean;
  /** One access-log line, without its line end. */
  accessLog(line: string): void;
  /** Checked in the main thread: a serving thread never sees a hash and never waits for one. */
  checkPassword(request: PasswordCheck, done: (result: PasswordResult) => void): void;
  /** Asks thread `holder` to close its longest idle connection of a resource. Calls back once, whatever came of it. */
  evictIdle(holder: number, uid: string, done: () => void): void;
  error(message: string, error: unknown): void;
};

export type PasswordCheck = {
  readonly uid: string;
  readonly digest: string;
  readonly client: string;
  readonly user: string;
  readonly password: string;
  readonly attempts: number;
};

/** One resource of a kind, being served by this thread. */
export type Serving<K extends Kind> = {
  /** Takes a newer version; connections stay. */
  swap(resource: ServedResource<K>): void;
  /** A client connected to this listener, which others may share. */
  accept(socket: Socket, listener: string, sharers: Sharers): void;
  /** Closes the connection that has been idle longest, if there is one. */
  evictIdle(): void;
  /** Ends what is kept, lets what runs finish until its deadline, then cuts it. */
  drain(): void;
  /** Connections still open. */
  open(): number;
  /** Once a second: whatever is overdue ends. */
  sweep(nowMs: number): void;
  /** Gives back what it holds; nothing is open any more. */
  close(): void;
};

/** Who serves what comes over a listening socket, the oldest first; those who come and go change it under open connections. */
export type Sharers = { all: readonly Serving<Kind>[] };

export type Serve<K extends Kind> = (
  context: WorkerContext,
  resource: ServedResource<K>,
) => Serving<K>;
