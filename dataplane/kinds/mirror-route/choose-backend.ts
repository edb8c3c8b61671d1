import type { BackendConfig, OriginConfig } from '../../../contracts/kinds/mirror-route/config.ts';

/** Each origin with the sum of all weights up to and with its own; origins of weight 0 are left out. */
export type WeightedBackends = {
  readonly total: number;
  readonly steps: ReadonlyArray<{ readonly below: number; readonly origin: OriginConfig }>;
};

export function compileBackends(backends: readonly BackendConfig[]): WeightedBackends {
  const steps = [];
  let total = 0;
  for (const { weight, origin } of backends) {
    if (weight === 0) continue;
    total += weight;
    steps.push({ below: total, origin });
  }
  return { total, steps };
}

/** `at` is in [0, 1); each origin gets its share of that range. `null`: no backend has any weight. */
export function chooseBackend({ total, steps }: WeightedBackends, at: number): OriginConfig | null {
  const point = at * total;
  for (const { below, origin } of steps) if (point < below) return origin;
  return null;
}
