/**
 * How a mirror fares: `status.mirrors[].state`. Pods report what keeps copies from being sent; that
 * its Service is not there, the operator knows itself.
 */
export const mirrorStates = [
  'Unresolved',
  'NoEndpoints',
  'BreakerOpen',
  'BudgetExhausted',
  'Active',
] as const;

export type MirrorState = (typeof mirrorStates)[number];

/** What a mirror is called outside its rule: mirrors of different rules may have one name. */
export function mirrorId(rule: { readonly name: string }, mirror: { readonly name: string }) {
  return `${rule.name}/${mirror.name}`;
}
