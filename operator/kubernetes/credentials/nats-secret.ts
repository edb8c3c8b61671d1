import { secretKeys } from '../../../contracts/cluster-names.ts';
import type { Subjects } from '../../../contracts/subjects.ts';
import { type NatsMaterial, natsMaterialOf } from '../../../event-log/nats-access.ts';
import { publicKeyOf } from '../../../event-log/nats-accounts.ts';
import { guestApiPrefix, type NatsRole } from '../../../event-log/nats-permissions.ts';
import { fitsUser, mintUser, type NewUser } from '../../../event-log/nats-users.ts';
import type { Files } from './secret-store.ts';

/** What is in a Secret is not enough, or makes no sense. Says which key, never what is in it. */
export class CredentialsUnusable extends Error {
  override readonly name = 'CredentialsUnusable';
}

/** How the operator itself is let in. */
export function operatorMaterial(files: Files): NatsMaterial {
  return natsMaterialOf((key) => files[key] ?? null);
}

/**
 * How pods or readers are let in: `.creds` made for them, or what an administrator has made for all
 * of them. `known` is what they have; a user that still fits is kept, so that nothing changes
 * without need.
 */
export async function guestFiles(
  files: Files,
  subjects: Subjects,
  role: NatsRole,
  known: Files | null,
): Promise<Files> {
  return { ...(await loginOf(files, subjects, role, known)), ...transportOf(files) };
}

async function loginOf(
  files: Files,
  subjects: Subjects,
  role: NatsRole,
  known: Files | null,
): Promise<Files> {
  const issuer = issuerIn(files);
  if (issuer !== null) {
    const wanted = { ...issuer, subjects, role };
    const before = known?.[secretKeys.creds];
    const isKept = before !== undefined && fitsUser(before, wanted);
    return { [secretKeys.creds]: isKept ? before : await mintUser(wanted) };
  }
  const { poolCreds, poolUser, poolPassword, creds, user, password } = secretKeys;
  const madeBefore = pick(files, {
    [creds]: poolCreds,
    [user]: poolUser,
    [password]: poolPassword,
  });
  const isOpen = files[creds] === undefined && files[user] === undefined;
  if (Object.keys(madeBefore).length > 0 || isOpen) return madeBefore;
  throw new CredentialsUnusable(
    `pods have no way into NATS: the Secret needs ${secretKeys.signingSeed}, or ${poolCreds}, or ${poolUser} and ${poolPassword}`,
  );
}

/** CA and client certificate. The operator's own serves pods too, unless it says who the operator is. */
function transportOf(files: Files): Files {
  const { ca, certificate, key, poolCertificate, poolKey, creds, user } = secretKeys;
  const hasLogin = files[creds] !== undefined || files[user] !== undefined;
  const isOwn = files[poolCertificate] === undefined && hasLogin;
  return pick(files, {
    [ca]: ca,
    [certificate]: isOwn ? certificate : poolCertificate,
    [key]: isOwn ? key : poolKey,
  });
}

/** With what users of pools and readers are signed; `null`: with nothing. */
function issuerIn(files: Files): Pick<NewUser, 'signingSeed' | 'account' | 'apiPrefix'> | null {
  const { signingSeed, account, guestsSigningSeed, guests } = secretKeys;
  try {
    const guestSeed = files[guestsSigningSeed];
    if (guestSeed !== undefined) {
      const of = files[guests] ?? publicKeyOf(guestSeed);
      return { signingSeed: guestSeed, account: of, apiPrefix: guestApiPrefix };
    }
    const seed = files[signingSeed];
    return seed === undefined
      ? null
      : { signingSeed: seed, account: files[account] ?? publicKeyOf(seed) };
  } catch (cause) {
    const message = `${signingSeed} or ${guestsSigningSeed} is no seed of an account key (SA…)`;
    throw new CredentialsUnusable(message, { cause });
  }
}

/** Key wanted → key to take it from; what there is not is left out. */
function pick(files: Files, keys: Readonly<Record<string, string>>): Files {
  const found = Object.entries(keys).flatMap(([to, from]) => {
    const text = files[from];
    return text === undefined ? [] : [[to, text] as const];
  });
  return Object.fromEntries(found);
}
