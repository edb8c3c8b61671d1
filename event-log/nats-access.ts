import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Authenticator,
  credsAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { secretKeys } from '../contracts/cluster-names.ts';
import { isRecord, isStringArray } from '../contracts/json.ts';
import type { Subjects } from '../contracts/subjects.ts';
import type { NatsOptions } from './jetstream-connection.ts';
import { claimsIn, userJwtIn } from './nats-creds.ts';
import { defaultApiPrefix, inboxPrefixOf, type NatsRole } from './nats-permissions.ts';

/** What a client needs to be let in, as texts: PEM, `.creds`. `null` for what there is not. */
export type NatsMaterial = {
  readonly creds: string | null;
  readonly user: string | null;
  readonly password: string | null;
  /** Who may have signed the server's certificate; without it, the ones Node trusts. */
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
};

/** Material under the keys of our Secrets, whoever holds them: a directory, a Secret's data. */
export function natsMaterialOf(read: (key: string) => string | null): NatsMaterial {
  return {
    creds: read(secretKeys.creds),
    user: read(secretKeys.user)?.trim() ?? null,
    password: read(secretKeys.password)?.trim() ?? null,
    ca: read(secretKeys.ca),
    certificate: read(secretKeys.certificate),
    key: read(secretKeys.key),
  };
}

/** The material in the files of a directory, as they are now. */
export function readNatsMaterial(directory: string): NatsMaterial {
  return natsMaterialOf((key) => {
    try {
      return readFileSync(join(directory, key), 'utf8');
    } catch {
      return null;
    }
  });
}

type NatsAccess = Pick<NatsOptions, 'authenticator' | 'tls' | 'inboxPrefix' | 'apiPrefix'>;

/**
 * How to connect with material that may change: `read` is asked anew at every connection, so that
 * a rotated password, user or certificate needs no restart.
 */
export function createNatsAccess(
  read: () => NatsMaterial,
  subjects: Subjects,
  role: NatsRole,
): NatsAccess {
  const { creds, ca, certificate } = read();
  const { apiPrefix = defaultApiPrefix, inboxPrefix = inboxPrefixOf(subjects, role) } =
    creds === null ? {} : rightsIn(creds, subjects);
  return {
    apiPrefix,
    inboxPrefix,
    authenticator: createAuthenticator(read),
    ...((ca !== null || certificate !== null) && { tls: createTls(read) }),
  };
}

/** The client gives up for ever if this throws; what was read last serves until it can be read again. */
function createAuthenticator(read: () => NatsMaterial): Authenticator {
  let last: Authenticator = () => undefined;
  return (nonce) => {
    const { creds, user, password } = read();
    if (creds !== null && userJwtIn(creds) !== null) {
      last = credsAuthenticator(new TextEncoder().encode(creds));
    } else if (creds === null && user !== null) {
      last = usernamePasswordAuthenticator(user, password ?? '');
    }
    try {
      return last(nonce);
    } catch {
      return undefined; // the server says that it knows nobody of this kind
    }
  };
}

/** The client reads these whenever it shakes hands. */
function createTls(read: () => NatsMaterial): NonNullable<NatsOptions['tls']> {
  const given = (key: 'ca' | 'certificate' | 'key') => read()[key] ?? undefined;
  const tls = {};
  for (const [name, key] of [
    ['ca', 'ca'],
    ['cert', 'certificate'],
    ['key', 'key'],
  ] as const) {
    Object.defineProperty(tls, name, { enumerable: true, get: () => given(key) });
  }
  return tls;
}

/** Where a user may ask and listen, as its own JWT says: whoever made it has decided that. */
function rightsIn(creds: string, { stream }: Subjects) {
  const claims = claimsIn(creds);
  const ask = allowed(claims, 'pub').find((subject) => subject.endsWith(`.STREAM.INFO.${stream}`));
  const listen = allowed(claims, 'sub').find((subject) => /^[^*>]+\.>$/.test(subject));
  return {
    ...(ask !== undefined && { apiPrefix: ask.slice(0, -`.STREAM.INFO.${stream}`.length) }),
    ...(listen !== undefined && { inboxPrefix: listen.slice(0, -'.>'.length) }),
  };
}

function allowed(claims: unknown, direction: 'pub' | 'sub'): readonly string[] {
  const nats = isRecord(claims) ? claims['nats'] : null;
  const permission = isRecord(nats) ? nats[direction] : null;
  const allow = isRecord(permission) ? permission['allow'] : null;
  return isStringArray(allow) ? allow : [];
}
