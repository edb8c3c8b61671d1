import type { Refusal } from '../../contracts/acknowledgement.ts';
import type { ConfigOf, Kind } from '../../contracts/kinds/all-kinds.ts';
import type { SeriesMessage } from '../../runtime/count.ts';

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
  /** Digests of the secrets it refers to, by `namespace/name`; their material stays in the main thread. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Counters every thread shares: see limits/. */
  readonly limits: SharedArrayBuffer;
  /** Who has the longest idle connection: see limits/. */
  readonly idle: SharedArrayBuffer;
  /** `null` while no limit per client is set. */
  readonly clients: SharedArrayBuffer | null;
};

export type ServedSocket = {
  readonly address: string;
  readonly port: number;
  readonly uid: string;
  readonly listener: string;
  /** A descriptor of the thread's own, to listen on; `null` where it has one already, or must bind itself. */
  readonly fd: number | null;
};

export type ToWorker =
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
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
