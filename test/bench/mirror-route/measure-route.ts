import { type Effort, type Figures, inScope, measure, warmUp } from '../measure.ts';
import { startMirror } from './mirrors.ts';
import type { Copies, RoutePeer } from './route-peer.ts';
import type { Situation } from './situations.ts';
import { loadOf } from './work.ts';

export type Measured = Situation &
  Figures & {
    readonly peer: string;
    /** Copies that reached the mirror meanwhile; `null`: it cannot say. */
    readonly received: number | null;
    /** What the proxy says became of copies meanwhile; `null`: it does not. */
    readonly copies: Copies | null;
  };

/** In processes of their own for each figure: memory and mirrors are then of this situation alone. */
export async function measureRoute(
  peer: RoutePeer,
  situation: Situation,
  primary: number,
  effort: Effort,
): Promise<Measured> {
  return await inScope(async (scope) => {
    const mirror = await startMirror(scope, situation.mirror);
    const route = await peer.start(scope, { primary, mirror: mirror.port });
    const load = loadOf(situation.request);
    await warmUp(route, load, effort);
    const receivedBefore = await mirror.received?.();
    const copiesBefore = await route.copies?.();
    const figures = await measure(route, load, effort);
    const received = await mirror.received?.();
    const copies = await route.copies?.();
    return {
      peer: peer.name,
      ...situation,
      ...figures,
      received: received === undefined ? null : received - (receivedBefore ?? 0),
      copies: copies === undefined ? null : since(copies, copiesBefore),
    };
  });
}

const since = (copies: Copies, before: Copies | undefined): Copies => ({
  ...copies,
  sent: difference(copies.sent, before?.sent),
  skipped: difference(copies.skipped, before?.skipped),
});

type Counts = Readonly<Record<string, number>>;

const difference = (counts: Counts, before: Counts = {}): Counts =>
  Object.fromEntries(
    Object.entries(counts)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
