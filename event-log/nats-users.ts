import { createUser, encodeUser, fmtCreds } from '@nats-io/jwt';
import { fromSeed } from '@nats-io/nkeys';
import { canonicalJson, isRecord } from '../contracts/json.ts';
import type { Subjects } from '../contracts/subjects.ts';
import { claimsIn } from './nats-creds.ts';
import { type NatsRole, permissionsOf } from './nats-permissions.ts';

export type NewUser = {
  /** Seed of a key that signs users of the account (`SA…`): the account's own, or a signing key of it. */
  readonly signingSeed: string;
  /** Public key of the account (`A…`). */
  readonly account: string;
  readonly subjects: Subjects;
  readonly role: NatsRole;
  /** Where the user finds the API of JetStream; {@link guestApiPrefix} on the far side of the wall. */
  readonly apiPrefix?: string;
};

/** What a pod has to say is small: 50 refusals and a table's digest. */
const poolLimits = { payload: 256 * 1024, subs: 64 };

/** A new user with a key of its own, as the text of a `.creds` file. */
export async function mintUser(wanted: NewUser): Promise<string> {
  const { role } = wanted;
  const { signer, account } = issuerOf(wanted);
  const user = createUser();
  const jwt = await encodeUser(
    role.is === 'pool' ? `pool ${role.pool}` : role.is,
    user,
    account ?? signer,
    rightsOf(wanted),
    account === null ? {} : { signer },
  );
  return new TextDecoder().decode(fmtCreds(jwt, user));
}

/** Whether a `.creds` file is as {@link mintUser} would make it now, but for the user's own key. */
export function fitsUser(creds: string, wanted: NewUser): boolean {
  const claims = claimsIn(creds);
  if (!isRecord(claims) || !isRecord(claims['nats'])) return false;
  const { pub, sub, payload, subs, issuer_account: issuedFor = null } = claims['nats'];
  const { signer, account } = issuerOf(wanted);
  const has = { iss: claims['iss'], issuedFor, rights: { pub, sub, payload, subs } };
  const noLimits = { payload: -1, subs: -1 };
  const rights = { ...noLimits, ...rightsOf(wanted) };
  return (
    canonicalJson(has) === canonicalJson({ iss: signer.getPublicKey(), issuedFor: account, rights })
  );
}

function rightsOf({ subjects, role, apiPrefix }: NewUser) {
  const { publish, subscribe } = permissionsOf(subjects, role, apiPrefix);
  const limits = role.is === 'pool' ? poolLimits : {};
  return { pub: { allow: [...publish] }, sub: { allow: [...subscribe] }, ...limits };
}

/** `account` is `null` where the account signs for itself. */
function issuerOf({ signingSeed, account }: NewUser) {
  const signer = fromSeed(new TextEncoder().encode(signingSeed.trim()));
  return { signer, account: signer.getPublicKey() === account.trim() ? null : account.trim() };
}
