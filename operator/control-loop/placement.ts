import type { ResourceKey } from '../../contracts/resource-key.ts';
import { deciderOf } from '../kinds/all-kinds.ts';
import type { Listener } from '../kinds/decider.ts';
import { type Held, servingOf } from './held.ts';

/**
 * What has to stand around pods so that clients reach them: in a cluster Deployments and Services.
 * Told what is in force and where, whenever that changes; it never decides what is.
 */
export type Placement = {
  /** The log is led anew: everything is told once more until `complete`, and what is not is a leftover then. */
  begin(): void;
  /** A version is in force, or has arrived, or its resource moves on to another pool. */
  place(placed: Placed): void;
  /** The resource is gone from the log. */
  displace(key: ResourceKey): void;
  /** Everything in the log has been told: what nobody was told of is a leftover. */
  complete(): void;
  /**
   * Whether clients are by now sent to the pool it was placed in last, so that pools left behind may
   * stop. Asked again each second until it is so.
   */
  hasSwitched(key: ResourceKey): boolean;
};

export type Placed = {
  readonly key: ResourceKey;
  readonly uid: string;
  readonly pool: string;
  /** Pools that still serve an older version, until clients have been sent to `pool`. */
  readonly leftBehind: readonly string[];
  readonly listeners: readonly Listener[];
  /** Every live pod of the pool serves this version. While it is not so, clients are sent where they were sent before. */
  readonly programmed: boolean;
  /** The longest its connections may take to drain, milliseconds. */
  readonly drainMs: number;
};

/** What a resource in force asks of its surroundings; `null`: nothing is in force. */
export function placedOf(
  held: Held,
  programmed: boolean,
  poolOf: (subject: string) => string,
): Placed | null {
  const config = servingOf(held);
  if (held.state.status === 'absent' || config === null) return null;
  const decider = deciderOf(held.key.kind);
  return {
    key: held.key,
    uid: held.state.uid,
    pool: config.pool,
    leftBehind: held.leftBehind.map(({ subject }) => poolOf(subject)),
    listeners: decider.listenersOf(config),
    programmed,
    drainMs: decider.drainMsOf(config),
  };
}

/** On one machine clients know the address, and there is one pool. */
export const noPlacement: Placement = {
  begin: () => undefined,
  place: () => undefined,
  displace: () => undefined,
  complete: () => undefined,
  hasSwitched: () => true,
};
