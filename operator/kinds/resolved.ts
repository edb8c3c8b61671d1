import type { ConfigOf, Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Sharing } from '../../contracts/kinds/mirror-route/sharing.ts';
import type { ListenerAddress } from '../../contracts/kinds/serving.ts';
import type { ClaimedListener, Outcome } from './decider.ts';
import type { Resolution } from './resolve-fields.ts';

/** What a resolution comes to: the configuration, or a refusal that names every field. */
export function outcomeOf<K extends Kind>(resolution: Resolution<ConfigOf<K>>): Outcome<K> {
  if ('config' in resolution) return { accepted: true, config: resolution.config };
  const problems = resolution.problems.map(({ field, message }) => `${field}: ${message}`);
  return { accepted: false, reason: 'UnsupportedValue', message: problems.join('; ') };
}

/** The ports a configuration takes, and with whom it would share them. */
export function listenersIn<Written extends ListenerAddress>(
  { listeners }: { readonly listeners: readonly Written[] },
  sharingOf: (listener: Written) => Sharing | null,
): readonly ClaimedListener[] {
  return listeners.map((listener) => {
    const { name, address, port } = listener;
    return { listener: name, address, port, sharing: sharingOf(listener) };
  });
}
