import type { Fraction } from './written.ts';

/** APISIX takes no smaller one. */
const least = 0.00001;
/** The largest denominator of a MirrorRoute. */
const finest = 1_000_000;

export type SampleRatio =
  /** `null`: everything is copied. `exact`: what was written, not only close to it. */
  { readonly fraction: Fraction | null; readonly exact: boolean } | { readonly problem: string };

/** A ratio in whole numbers and lowest terms: 0.00001 is 1 of 100000, 0.333 is 333 of 1000. */
export function readSampleRatio(ratio: number): SampleRatio {
  if (!(ratio >= least && ratio <= 1)) {
    return { problem: `${ratio} is not a part of all requests, from 0.00001 to 1` };
  }
  if (ratio === 1) return { fraction: null, exact: true };

  const [, decimals = ''] = String(ratio).split('.');
  const whole = lowestTerms(Number(decimals), 10 ** decimals.length);
  if (whole.denominator <= finest) return { fraction: whole, exact: true };
  return { fraction: lowestTerms(Math.round(ratio * finest), finest), exact: false };
}

export function lowestTerms(numerator: number, denominator: number): Fraction {
  const divisor = greatestCommonDivisor(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other);
}
