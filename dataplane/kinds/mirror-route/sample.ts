import type { HeaderField, MirrorConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import { carriesMark } from './mirror-mark.ts';
import { samplingHash, startHash } from './sampling-hash.ts';
import { compileKey, type ReadKey, type SampledRequest } from './sampling-key.ts';
import { toWire } from './wire-text.ts';

/** Which requests a mirror gets, compiled once. Immutable. */
export type Sampling = {
  readonly methods: ReadonlySet<string> | null;
  readonly mark: HeaderField | null;
  /** Of all requests, 0 to 1. */
  readonly share: number;
  /** `null`: by chance. */
  readonly hash: HashSampling | null;
};

type HashSampling = {
  readonly key: ReadKey;
  readonly start: number;
  /** A request is copied when its hash is less. */
  readonly below: number;
  readonly randomWithoutKey: boolean;
};

export function compileSampling({ methods, mark, fraction, sampling }: MirrorConfig): Sampling {
  const { numerator, denominator } = fraction;
  return {
    methods: methods.length === 0 ? null : new Set(methods),
    mark,
    share: numerator / denominator,
    hash:
      sampling.strategy === 'Random'
        ? null
        : {
            key: compileKey(sampling.key),
            start: startHash(toWire(sampling.salt)),
            below: hashBelow(numerator, denominator),
            randomWithoutKey: sampling.onMissingKey === 'Random',
          },
  };
}

/**
 * The first hash that is not less than `numerator / denominator` of 2³², so that one comparison says
 * what `hash · denominator < numerator · 2³²` says. Whole numbers throughout: as floating point the
 * products would be rounded, and some pod would see it otherwise.
 */
function hashBelow(numerator: number, denominator: number): number {
  const divisor = BigInt(denominator);
  return Number(((BigInt(numerator) << 32n) + divisor - 1n) / divisor);
}

/**
 * Whether a request is copied, or what stands against it: its method is not in the list, it is a
 * copy of ours already, or it is not among those sampled. `random` answers a number in [0, 1). By
 * hash, one key gets one answer everywhere, and a larger fraction only adds keys (docs/sampling.md).
 */
export function isSampled(
  { methods, mark, share, hash }: Sampling,
  request: SampledRequest,
  random: () => number,
): 'sampled' | 'not_sampled' | 'method' | 'loop' {
  if (methods !== null && !methods.has(request.method)) return 'method';
  if (mark !== null && carriesMark(request.fields, mark)) return 'loop';
  const chosen = hash === null ? random() < share : isHashed(hash, share, request, random);
  return chosen ? 'sampled' : 'not_sampled';
}

function isHashed(
  { key, start, below, randomWithoutKey }: HashSampling,
  share: number,
  request: SampledRequest,
  random: () => number,
): boolean {
  const value = key(request);
  if (value === null) return randomWithoutKey && random() < share;
  return samplingHash(start, value) < below;
}
