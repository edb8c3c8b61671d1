import { createHmac, randomBytes } from 'node:crypto';
import type { ErrorCode } from '../../../../contracts/errors.ts';
import type { Credentials } from '../../../protocols/basic-credentials.ts';
import type { Ip } from '../../../protocols/ip-address.ts';
import type { PasswordResult } from '../../../workers/messages.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';

/** A failure to authenticate, or the user (`null`: nobody needed to say who they are). */
export type Authenticated = (failure: ErrorCode | null, user: string | null) => void;

const cacheMs = 60_000;
const maxCached = 4096;
const cacheKey = randomBytes(32);
/** HMAC of (secret digest, user, password) → until when that was right. Plain passwords are not kept. */
const accepted = new Map<string, number>();

const failures: Readonly<Record<Exclude<PasswordResult, 'ok'>, ErrorCode>> = {
  wrong: 'authentication_required',
  rate_limited: 'authentication_rate_limited',
  overloaded: 'authentication_overloaded',
};

/** Calls back at once where nothing needs checking or the same pair was right a moment ago. */
export function authenticate(
  proxy: ForwardProxyServing,
  client: Ip,
  credentials: Credentials | null,
  done: Authenticated,
): void {
  const { authentication } = proxy.policy.config;
  if (authentication.mode === 'None') return done(null, null);
  if (credentials === null) return done('authentication_required', null);

  const { user, password } = credentials;
  const { digest } = authentication.secret;
  const checks = proxy.context.meter;
  const key = createHmac('sha256', cacheKey)
    .update(`${digest}\0${user.length}\0${user}\0${password}`)
    .digest('base64');
  if ((accepted.get(key) ?? 0) > Date.now()) {
    checks.cell('headgate_password_checks_total', { result: 'cached' }).add(1);
    return done(null, user);
  }
  const { uid } = proxy.resource;
  const { attempts } = authentication;
  const request = { uid, digest, client: client.text, user, password, attempts };
  proxy.context.checkPassword(request, (result) => {
    checks.cell('headgate_password_checks_total', { result }).add(1);
    if (result !== 'ok') return done(failures[result], user);
    remember(key);
    done(null, user);
  });
}

function remember(key: string): void {
  if (accepted.size >= maxCached) {
    const oldest = accepted.keys().next().value;
    if (oldest !== undefined) accepted.delete(oldest);
  }
  accepted.set(key, Date.now() + cacheMs);
}

/** In words, for the client. */
export const authenticationMessages: Partial<Record<ErrorCode, string>> = {
  authentication_required: 'a user name and its password are needed (Proxy-Authorization: Basic)',
  authentication_rate_limited:
    'too many failed attempts (spec.authentication.attempts): wait a minute',
  authentication_overloaded: 'too many passwords are being checked: try again',
};
