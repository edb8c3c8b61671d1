import type { Propagation } from '../../contracts/status.ts';

/** What `headgate explain` answers: with `-o json` as it stands here. */
export type LogPosition = {
  readonly id: string;
  /** The last sequence in the log. */
  readonly end: number;
  /** Up to where the past is told; `null`: everything. */
  readonly at: number | null;
};

/** A version, and whose doing it is. */
export type VersionFacts = {
  readonly sequence: number;
  readonly time: string;
  readonly generation: number | null;
  /** A field manager, or a file. */
  readonly by: string | null;
};

export type Behind = {
  /** Events of its pool that the pod has not applied yet. */
  readonly events: number;
  /** When the oldest of them was written. */
  readonly since: string;
};

export type RefusalFacts = {
  readonly sequence: number;
  readonly reason: string;
  readonly code: string;
  readonly message: string;
};

/** `nothing`: not served there; `unknown`: it cannot be told from outside. */
export type RunsFacts = VersionFacts | 'nothing' | 'unknown';

export type PodFacts = {
  readonly pod: string;
  readonly pool: string;
  /** The last sequence in force; `null`: the pod has not spoken lately. */
  readonly applied: number | null;
  readonly behind: Behind | null;
  readonly draining: boolean;
  /** Sealing keys it holds. */
  readonly keyIds: readonly string[];
  /** Whether the pod's digest of its table agrees with what is said here; `null`: not comparable. */
  readonly confirmed: boolean | null;
};

export type ResourceReport = {
  readonly resource: string;
  readonly log: LogPosition;
  readonly inForce:
    | (VersionFacts & {
        readonly pool: string;
        readonly listeners: readonly string[];
      })
    | null;
  /** The newest version, if it was refused. */
  readonly refused: (VersionFacts & { readonly reason: string; readonly message: string }) | null;
  readonly removed: { readonly sequence: number; readonly time: string } | null;
  /** Pools that still serve an older version, until clients have been sent on. */
  readonly leaving: ReadonlyArray<{ readonly pool: string; readonly sequence: number }>;
  readonly secrets: ReadonlyArray<{
    readonly secret: string;
    /** `null`: it is not sealed in this pool. */
    readonly sealed: {
      readonly sequence: number;
      readonly time: string;
      readonly keyId: string;
    } | null;
  }>;
  /** `null`: what pods run cannot be seen from here. */
  readonly pods: ReadonlyArray<
    PodFacts & { readonly runs: RunsFacts; readonly refusal: RefusalFacts | null }
  > | null;
  /** As the operator reported last. */
  readonly propagation: Propagation | null;
  /** What stands around it in a cluster; `null` elsewhere. */
  readonly cluster: ClusterFacts | null;
  readonly history: ReadonlyArray<
    VersionFacts & {
      readonly event: string;
      readonly pool: string;
      readonly reason: string | null;
      readonly message: string | null;
    }
  >;
  /** What cannot be known, and why. */
  readonly unknown: readonly string[];
};

export type ClusterFacts = {
  /** Of the custom resource now; `null`: there is none. */
  readonly generation: number | null;
  readonly services: ReadonlyArray<{
    readonly service: string;
    readonly address: string;
    readonly ports: readonly string[];
  }>;
};

export type PodReport = PodFacts & {
  readonly log: LogPosition;
  readonly resources: ReadonlyArray<{
    readonly resource: string;
    readonly runs: RunsFacts;
    /** What its pool should serve by now; `null`: nothing. */
    readonly wanted: VersionFacts | null;
    readonly refusal: RefusalFacts | null;
  }>;
  /** Refusals beyond those a pod can list. */
  readonly unlistedRefusals: number;
  readonly unknown: readonly string[];
};
