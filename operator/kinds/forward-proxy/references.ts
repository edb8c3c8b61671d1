import type { ForwardProxySpec } from '../../../contracts/kinds/forward-proxy/spec.ts';
import type { ResourceKey } from '../../../contracts/resource-key.ts';
import type { Refusal, SecretReference } from '../decider.ts';
import { findHtpasswdProblem } from './check-htpasswd.ts';

/** The key of the Secret whose value is htpasswd lines. */
const usersField = 'auth';

export function secretsOf(
  spec: ForwardProxySpec,
  { namespace }: ResourceKey,
): readonly SecretReference[] {
  const { mode, basic } = spec.authentication;
  if (mode !== 'Basic' || basic === undefined) return [];
  return [{ namespace, name: basic.secretRef.name, fields: [usersField] }];
}

export function checkSecret(
  { namespace, name }: SecretReference,
  fields: Readonly<Record<string, string>>,
): Refusal | null {
  const users = fields[usersField];
  if (users === undefined) {
    return {
      reason: 'InvalidCredentials',
      message: `Secret ${namespace}/${name} has no key "${usersField}": put htpasswd lines there`,
    };
  }
  const problem = findHtpasswdProblem(users);
  if (problem === null) return null;
  return {
    reason: 'InvalidCredentials',
    message: `Secret ${namespace}/${name}, key "${usersField}", ${problem}`,
  };
}
