/** Kept serving after SIGTERM until everybody has heard, and what is left to end in after the drain. */
const beforeDrainSeconds = 5;
const afterDrainSeconds = 5;

/** Each change of the grace period replaces every pod of the pool: so there are few values of it. */
const drainStepsSeconds = [30, 60, 120, 300, 600, 1800, 3600];

/** Annotation of a Deployment: digest of the rest of its pod template, and the grace period it has. */
export const templateAnnotation = 'headgate.dev/template';

export function templateNote(digest: string, graceSeconds: number): string {
  return `${digest}-${graceSeconds}`;
}

/**
 * How long pods may take to end that give their connections `drainMs`. Too long does no harm: it
 * becomes shorter only when the pods are replaced for another reason. `note` is what stands in the
 * annotation of the Deployment there is.
 */
export function gracePeriodSeconds(
  drainMs: number,
  digest: string,
  note: string | undefined,
): number {
  const needed = beforeDrainSeconds + stepFor(drainMs / 1000) + afterDrainSeconds;
  const current = Number(note?.split('-')[1]);
  const keeps = note === templateNote(digest, current) && current > needed;
  return keeps ? current : needed;
}

function stepFor(drainSeconds: number): number {
  return drainStepsSeconds.find((seconds) => seconds >= drainSeconds) ?? Math.ceil(drainSeconds);
}
