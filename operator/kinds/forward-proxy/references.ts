import type { ForwardProxyConfig } from '../../../contracts/kinds/forward-proxy/config.ts';
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

export function secretsIn({ authentication }: ForwardProxyConfig): readonly SecretReference[] {
  if (authentication.mode !== 'Basic') return [];
  const { namespace, name } = authentication.secret;
  return [{ namespace, name, fields: [usersField] }];
}

export function withDigests(
  config: ForwardProxyConfig,
  [digest]: readonly string[],
): ForwardProxyConfig {
  const { authentication } = config;
  if (authentication.mode !== 'Basic' || digest === undefined) return config;
  const secret = { ...authentication.secret, digest };
  return { ...config, authentication: { ...authentication, secret } };
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
