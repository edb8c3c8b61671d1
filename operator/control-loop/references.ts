import type { ConfigOf, Kind } from '../../contracts/kinds/all-kinds.ts';
import { type ServiceReference, serviceId } from '../../contracts/service-reference.ts';
import { deciderOf } from '../kinds/all-kinds.ts';
import type { CaReference, SecretReference } from '../kinds/decider.ts';
import { type Held, servingOf } from './held.ts';
import type { Observed } from './source.ts';

/** What a pass has to look at beside the resource. */
export type PassReferences = {
  /** That of the version decided upon. */
  readonly pool: string;
  readonly secrets: readonly SecretReference[];
  /** Each once; also those of the version in force, which is kept up to date when the newest is refused. */
  readonly services: readonly ServiceReference[];
  /** Each once. */
  readonly cas: readonly CaReference[];
};

/** A version that is held needs what it names itself, and not what the spec names by now. */
export function referencesOf<K extends Kind>(
  held: Held<K>,
  observed: NonNullable<Observed<K>>,
  heldConfig: ConfigOf<K> | null,
): PassReferences {
  const decider = deciderOf(held.key.kind);
  const ofInForce = servicesInForce(held);
  if (heldConfig !== null) {
    const services = eachOnce([...decider.servicesIn(heldConfig), ...ofInForce]);
    const cas = eachCaOnce(decider.casIn(heldConfig));
    return { pool: heldConfig.pool, secrets: decider.secretsIn(heldConfig), services, cas };
  }
  if (!observed.valid || observed.holdAt !== null) {
    return { pool: '', secrets: [], services: ofInForce, cas: [] };
  }
  return {
    pool: decider.poolOf(observed.spec),
    secrets: decider.secretsOf(observed.spec, held.key),
    services: eachOnce([...decider.servicesOf(observed.spec, held.key), ...ofInForce]),
    cas: eachCaOnce(decider.casOf(observed.spec, held.key)),
  };
}

/** Each once. */
export function servicesInForce<K extends Kind>(held: Held<K>): readonly ServiceReference[] {
  const inForce = servingOf(held);
  return inForce === null ? [] : eachOnce(deciderOf(held.key.kind).servicesIn(inForce));
}

function eachOnce(services: readonly ServiceReference[]): readonly ServiceReference[] {
  return [...new Map(services.map((each) => [serviceId(each), each])).values()];
}

function eachCaOnce(cas: readonly CaReference[]): readonly CaReference[] {
  return [...new Map(cas.map((each) => [`${each.namespace}/${each.name}`, each])).values()];
}
