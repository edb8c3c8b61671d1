import type { Refusal } from '../../contracts/acknowledgement.ts';
import type { ConfigOf, Kind } from '../../contracts/kinds/all-kinds.ts';
import type { ServicePort } from '../../contracts/log-events.ts';
import type { SeriesMessage } from '../../runtime/count.ts';
import type { Certificate } from '../serving/tls-listener.ts';

/** What the main thread and the serving threads say to each other. */

/** Everything a serving thread serves, as one immutable value. */
export type Snapshot = {
  /** Grows with every snapshot; acknowledged when in force. */
  readonly version: number;
  readonly resources: readonly ServedResource<Kind>[];
  /** Listening sockets, by `address:port`, and who takes their connections. */
  readonly sockets: readonly ServedSocket[];
  /** `address:port` pairs no client may be sent to: listeners and the admin endpoint. */
  readonly self: readonly SelfEndpoint[];
};

/**
 * What a serving thread changes to serve the next snapshot: copying all of ten thousand resources to
 * it for each edit would take longer than everything else.
 */
export type SnapshotChange = {
  readonly version: number;
  /** New ones, and new versions. */
  readonly resources: readonly ServedResource<Kind>[];
  /** By uid: what is served no more. */
  readonly removed: readonly string[];
  /** New ones, and those that other resources own or share now. */
  readonly sockets: readonly ServedSocket[];
  /** By `socketKey`. */
  readonly closed: readonly string[];
  /** `null`: as they were. */
  readonly self: readonly SelfEndpoint[] | null;
};

export type SelfEndpoint = { readonly address: string; readonly port: number };

/** One version of one resource, as served. */
export type ServedResource<K extends Kind> = {
  readonly kind: K;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  /** Sequence of the event that configured it. */
  readonly sequence: number;
  readonly config: ConfigOf<K>;
  /** Who serves the Services it refers to, by `namespace/name`. */
  readonly endpoints: Readonly<Record<string, readonly ServicePort[]>>;
  /** Sequence of the newest event about them; they change without a new version. 0: it has none. */
  readonly endpointsSequence: number;
  /** Digests of the secrets it refers to, by `namespace/name`; passwords stay in the main thread. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What its listeners show clients, by the Secrets' `namespace/name`. */
  readonly certificates: Readonly<Record<string, Certificate>>;
  /** Counters every thread shares: see limits/. */
  readonly limits: SharedArrayBuffer;
  /** Who has the longest idle connection: see limits/. */
  readonly idle: SharedArrayBuffer;
  /** `null` while no limit per client is set. */
  readonly clients: SharedArrayBuffer | null;
  /** What every thread accounts for together, by the names `wantedBy` gives: see limits/copy-budget.ts. */
  readonly budgets: Readonly<Record<string, SharedArrayBuffer>>;
};

export type ServedSocket = {
  readonly address: string;
  readonly port: number;
  readonly uid: string;
  readonly listener: string;
  /** By uid: who shares the listener, the oldest first; the owner is older than any of them. */
  readonly others: readonly string[];
  /** A descriptor of the thread's own, to listen on; `null` where it has one already, or must bind itself. */
  readonly fd: number | null;
};

export type ToWorker =
  | { readonly type: 'snapshot'; readonly change: SnapshotChange }
  /** Stop accepting, finish what runs, cut what is left after each resource's drain time-out. */
  | { readonly type: 'drain' }
  | { readonly type: 'passwordChecked'; readonly id: number; readonly result: PasswordResult }
  /** Close the longest idle connection of this resource: thread `asker` needs its place. */
  | {
      readonly type: 'evictIdle';
      readonly uid: string;
      readonly asker: number;
      readonly id: number;
    }
  | { readonly type: 'idleEvicted'; readonly id: number };

export type PasswordResult = 'ok' | 'wrong' | 'rate_limited' | 'overloaded';

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'applied'; readonly version: number; readonly refusals: readonly Refusal[] }
  | { readonly type: 'drained' }
  | {
      readonly type: 'checkPassword';
      readonly id: number;
      readonly uid: string;
      readonly digest: string;
      readonly client: string;
      readonly user: string;
      readonly password: string;
      readonly attempts: number;
    }
  /** Thread `holder` should close its longest idle connection of this resource. */
  | {
      readonly type: 'evictIdle';
      readonly uid: string;
      readonly holder: number;
      readonly id: number;
    }
  | { readonly type: 'idleEvicted'; readonly asker: number; readonly id: number }
  | { readonly type: 'accessLog'; readonly lines: string }
  | { readonly type: 'meter'; readonly message: SeriesMessage }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

/** What a serving thread is started with. */
export type WorkerSettings = {
  readonly worker: number;
  readonly workers: number;
  readonly dnsServers: readonly string[];
  readonly hostsFile: string;
  readonly resolvConf: string;
  /** Random, the same in every thread: seeds tables that clients could otherwise fill on purpose. */
  readonly seed: number;
  /** Places of the whole process, over all resources: see limits/. */
  readonly podLimits: SharedArrayBuffer;
  readonly maxConnections: number;
};
