import type { Finding } from '../../contracts/conditions.ts';
import type { Trouble } from '../../contracts/health-report.ts';
import type { MirrorStatus } from '../../contracts/status.ts';

/** What the live pods of a pool say of the parts of one resource. */
export type HealthFacts = {
  readonly troubles: readonly Trouble[];
  /** Pods that serve the version say how its parts are: those they do not name are well. */
  readonly isTold: boolean;
  /** More may be told in a moment: what was not well is not called well because nobody names it yet. */
  readonly isIncomplete: boolean;
};

/** How the parts of a resource are. For information: it decides nothing, and no other condition. */
export type Health = {
  readonly mirrors: readonly Omit<MirrorStatus, 'lastTransitionTime'>[];
  readonly findings: readonly Finding[];
};

/** Of a kind without parts, or of parts of which nobody knows anything. */
export const nothingKnown: Health = { mirrors: [], findings: [] };
