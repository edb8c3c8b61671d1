import { isRecord } from './json.ts';

/**
 * A part of a resource that is not well in one pod. Which parts there are, and what the word in
 * `state` means, is a matter of its kind.
 */
export type Trouble = {
  /** `MirrorRoute/team-a/shop` */
  readonly resource: string;
  readonly part: string;
  readonly state: string;
};

/** How the parts of all that a pod serves are: those that are not named are well. */
export type HealthReport = {
  /** At most {@link maxTroubles}; `troubleCount` is the true number. */
  readonly troubles: readonly Trouble[];
  readonly troubleCount: number;
};

export const maxTroubles = 100;

/** Longer than any name a resource and its parts may have. */
const maxTextLength = 512;

export function isHealthReport(value: unknown): value is HealthReport {
  if (!isRecord(value)) return false;
  const { troubles, troubleCount } = value;
  return (
    Number.isSafeInteger(troubleCount) &&
    Array.isArray(troubles) &&
    troubles.length <= maxTroubles &&
    troubles.every(isTrouble)
  );
}

function isTrouble(value: unknown): value is Trouble {
  if (!isRecord(value)) return false;
  const { resource, part, state } = value;
  return [resource, part, state].every(
    (text) => typeof text === 'string' && text.length <= maxTextLength,
  );
}
