import type {
  MirrorRouteConfig,
  OriginConfig,
  RuleConfig,
  UnresolvedMirror,
  UnresolvedReference,
} from '../../../contracts/kinds/mirror-route/config.ts';
import { mirrorId } from '../../../contracts/kinds/mirror-route/mirror-state.ts';
import type { Outcome, Resolved } from '../decider.ts';
import { findCaProblem, withCas } from './ca-certificates.ts';
import { findServiceProblem } from './services.ts';

type Lookups = Pick<Resolved, 'serviceOf' | 'caOf'>;

/** `field` is that of the reference. */
type FindProblem = (origin: OriginConfig, field: string) => UnresolvedReference | null;

/**
 * What a version comes to whose references were looked up. A backend that is not there refuses it; a
 * mirror that is not there is only said, in `unresolved`: it must not take the primary down.
 */
export function withBackends(config: MirrorRouteConfig, lookups: Lookups): Outcome<'MirrorRoute'> {
  const refusal = refuseBackends(config, (origin, field) => {
    const problem = findServiceProblem(origin, lookups);
    return problem === null ? null : { ...problem, message: `${field}: ${problem.message}` };
  });
  return refusal ?? withReferences(config, lookups);
}

/**
 * A version that was accepted before, with what is missing for it now. Backends whose Service is gone
 * are nobody's; those whose CA certificates are gone could only be asked by trusting who signed them then.
 */
export function withReferences(
  config: MirrorRouteConfig,
  lookups: Lookups,
): Outcome<'MirrorRoute'> {
  const refusal = refuseBackends(config, (origin, field) =>
    findCaProblem(origin, lookups, `${field}.tls`),
  );
  if (refusal !== null) return refusal;
  const rules = config.rules.map((rule) => withRuleCas(rule, lookups));
  const unresolved = rules.flatMap((rule) => unresolvedIn(rule, lookups));
  return { accepted: true, config: { ...config, rules, unresolved } };
}

function refuseBackends(
  { rules }: MirrorRouteConfig,
  find: FindProblem,
): Outcome<'MirrorRoute'> | null {
  const problems = rules.flatMap(({ backends }, index) =>
    backends.flatMap(
      ({ origin }, at) => find(origin, `spec.rules[${index}].backendRefs[${at}]`) ?? [],
    ),
  );
  return problems.length === 0 ? null : { accepted: false, ...together(problems) };
}

/** What one condition says of all of them; first what is not a matter of time. */
export function together(problems: readonly UnresolvedReference[]): UnresolvedReference {
  const reason = gravest.find((each) => problems.some((problem) => problem.reason === each));
  return {
    reason: reason ?? 'BackendNotFound',
    message: problems.map(({ message }) => message).join('; '),
  };
}

const gravest = ['RefNotPermitted', 'InvalidCACertificateRef'] as const;

function withRuleCas(rule: RuleConfig, lookups: Lookups): RuleConfig {
  const backends = rule.backends.map((each) => ({
    ...each,
    origin: withCas(each.origin, lookups),
  }));
  const mirrors = rule.mirrors.map((each) => ({ ...each, origin: withCas(each.origin, lookups) }));
  return { ...rule, backends, mirrors };
}

function unresolvedIn(rule: RuleConfig, lookups: Lookups): readonly UnresolvedMirror[] {
  return rule.mirrors.flatMap((mirror) => {
    const { name, origin } = mirror;
    const problem = findServiceProblem(origin, lookups) ?? findCaProblem(origin, lookups, 'tls');
    if (problem === null) return [];
    const message = `mirror "${name}" of ${rule.name} gets no copies: ${problem.message}`;
    return [{ mirror: mirrorId(rule, mirror), reason: problem.reason, message }];
  });
}
