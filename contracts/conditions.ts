/**
 * Every condition type and reason that users and dashboards see. They are API: never renamed.
 * `Accepted`, `ResolvedRefs` and `Programmed` are true when all is well; `Reconciling`, `Stalled` and
 * `Degraded` are absent when all is well (kstatus reads the first two). `MirrorHealthy` is for
 * information only, and absent where there are no mirrors or nobody knows how they are.
 */
export const conditionReasons = {
  Accepted: [
    'Accepted',
    'Invalid',
    'UnsupportedValue',
    'PortConflict',
    'PoolNotFound',
    'PoolNotAllowed',
    'TooLarge',
    'UnresolvedRefs',
    'VersionNotKept',
  ],
  ResolvedRefs: [
    'ResolvedRefs',
    'SecretNotFound',
    'InvalidCredentials',
    'InvalidCertificateRef',
    'InvalidCACertificateRef',
    'BackendNotFound',
    'RefNotPermitted',
  ],
  Programmed: [
    'Programmed',
    'ProgrammedExceptUnreachable',
    'Pending',
    'NoPods',
    'NothingAccepted',
    'Rejected',
    'PortUnavailable',
    'SecretUnreadable',
    'UnsupportedField',
  ],
  Reconciling: ['Propagating'],
  Stalled: ['Refused', 'RefusedByPod', 'LogFull', 'LogUnavailable'],
  Degraded: ['PodsUnreachable', 'PodsBehind'],
  MirrorHealthy: ['Healthy', 'BreakerOpen', 'BudgetExhausted', 'NoEndpoints'],
} as const;

export type ConditionType = keyof typeof conditionReasons;
export type ReasonOf<Type extends ConditionType> = (typeof conditionReasons)[Type][number];

export type Condition = {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  /** The generation this condition speaks of, which may be older than the newest. */
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
};

/** A condition before anybody knows since when it has been so. */
export type Finding = Omit<Condition, 'lastTransitionTime'>;

/** Builds a finding; a reason that the type does not know does not compile. */
export function finding<Type extends ConditionType>(
  type: Type,
  status: Condition['status'],
  reason: ReasonOf<Type>,
  observedGeneration: number,
  message: string,
): Finding {
  return { type, status, observedGeneration, reason, message };
}

/** Why a resource's newest version was not taken over. */
export type RefusalReason =
  | Exclude<ReasonOf<'Accepted'>, 'Accepted' | 'UnresolvedRefs'>
  | Exclude<ReasonOf<'ResolvedRefs'>, 'ResolvedRefs'>;

/** Whether the reason of a `Rejected` event speaks of a reference rather than of the spec. */
export function isReferenceProblem(reason: string): reason is ReasonOf<'ResolvedRefs'> {
  return (conditionReasons.ResolvedRefs as readonly string[]).includes(reason);
}

/** Keeps the time of every condition whose status did not change. */
export function stampConditions(
  found: readonly Finding[],
  previous: readonly Condition[],
  now: string,
): readonly Condition[] {
  return found.map((each) => {
    const before = previous.find(({ type }) => type === each.type);
    const unchanged = before?.status === each.status;
    return { ...each, lastTransitionTime: unchanged ? before.lastTransitionTime : now };
  });
}

export function findCondition(
  conditions: readonly Condition[],
  type: ConditionType,
): Condition | null {
  return conditions.find((condition) => condition.type === type) ?? null;
}
