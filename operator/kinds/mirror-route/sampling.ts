import type { MirrorConfig, SamplingKey } from '../../../contracts/kinds/mirror-route/config.ts';
import type { MirrorRouteSpec } from '../../../contracts/kinds/mirror-route/spec.ts';

type WrittenSampling = NonNullable<MirrorRouteSpec['rules'][number]['mirrors']>[number]['sampling'];

export function readSampling({
  strategy,
  key,
  salt,
  onMissingKey,
}: WrittenSampling): MirrorConfig['sampling'] {
  if (strategy === 'Random' || key === undefined) return { strategy: 'Random' };
  return { strategy, key: readKey(key), salt, onMissingKey };
}

/** Those that have a name have one by now: the definition says so. */
function readKey({ type, name = '' }: NonNullable<WrittenSampling['key']>): SamplingKey {
  switch (type) {
    case 'Header':
      return { type, name: name.toLowerCase() };
    case 'Cookie':
    case 'QueryParam':
      return { type, name };
    case 'ClientIP':
    case 'Path':
      return { type };
  }
}
