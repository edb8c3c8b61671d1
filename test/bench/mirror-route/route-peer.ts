import type { CopyCounts } from '../../support/copy-counts.ts';
import type { Scope } from '../../support/teardowns.ts';
import type { Peer, RunningProxy } from '../peer.ts';

/** Ports of loopback: where requests go, and where a copy of each goes. */
export type Wiring = { readonly primary: number; readonly mirror: number | null };

export type RoutePeer = Peer & { start(scope: Scope, wiring: Wiring): Promise<RunningRoute> };

export type RunningRoute = RunningProxy & {
  /** What has become of all copies, of a proxy that says so. */
  readonly copies?: () => Promise<Copies>;
};

export type Copies = CopyCounts & {
  /** Under way now. */
  readonly inflight: number;
  /** Waiting now. */
  readonly queued: number;
};
