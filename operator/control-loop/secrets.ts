import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import { logEventTypes, type SecretSealed } from '../../contracts/log-events.ts';
import type { Subjects } from '../../contracts/subjects.ts';
import { maxEntryBytes } from '../../event-log/event-log.ts';
import type { Seal } from '../../event-log/seal.ts';
import { deciderOf } from '../kinds/all-kinds.ts';
import type { Refusal, SecretReference } from '../kinds/decider.ts';
import type { ObservedSecret, Source } from './source.ts';
import type { Sealed, States } from './states.ts';
import { Untold } from './untold.ts';

type Material = Readonly<Record<string, string>>;

/** A Secret that a spec refers to: its digest, or why it cannot be used. Material stays in here. */
export type FoundSecret = { readonly reference: SecretReference } & (
  | { readonly digest: string; readonly material: Material; readonly refusal: null }
  | { readonly digest: null; readonly material: null; readonly refusal: Refusal }
);

/** Reads what a resource refers to, checks it and takes its digest. Throws {@link Untold}. */
export async function findSecrets<K extends Kind>(
  source: Source,
  seal: Seal,
  kind: K,
  { pool, secrets }: { readonly pool: string; readonly secrets: readonly SecretReference[] },
): Promise<readonly FoundSecret[]> {
  const decider = deciderOf(kind);
  return Promise.all(
    secrets.map(async (reference): Promise<FoundSecret> => {
      const observed = await readSecret(source, reference);
      if (!observed.found) return refused(reference, 'SecretNotFound', observed.message);

      const material = pick(observed.fields, reference.fields);
      const refusal = decider.checkSecret(reference, material) ?? refuseIfTooLarge(material);
      if (refusal !== null) return { reference, digest: null, material: null, refusal };
      const digest = await seal.digest(pool, material);
      return { reference, digest, material, refusal: null };
    }),
  );
}

/** Throws {@link Untold}. */
export async function readSecret(
  source: Source,
  { namespace, name }: Pick<SecretReference, 'namespace' | 'name'>,
): Promise<ObservedSecret> {
  try {
    return await source.readSecret(namespace, name);
  } catch (cause) {
    throw new Untold(`Secret ${namespace}/${name}`, { cause });
  }
}

/** A Secret as the log has it, under the digest it has there. Throws `SealBroken`. */
export async function openSealed(
  seal: Seal,
  logId: string,
  pool: string,
  reference: SecretReference,
  { subject, digest, fields }: Sealed,
): Promise<FoundSecret> {
  const material: Record<string, string> = {};
  for (const [field, jwe] of Object.entries(fields)) {
    material[field] = await seal.open({ pool, logId, subject, field }, jwe);
  }
  return { reference, digest, material, refusal: null };
}

/** The event that brings a Secret up to date in a pool, or `null` if it is. */
export async function sealSecret(
  {
    seal,
    states,
    subjects,
    logId,
  }: { seal: Seal; states: States; subjects: Subjects; logId: string },
  pool: string,
  { reference: { namespace, name }, digest, material }: FoundSecret,
): Promise<{
  readonly subject: string;
  readonly type: string;
  readonly data: SecretSealed;
} | null> {
  if (digest === null) return null;
  const keyId = seal.sealingKeyId(pool);
  const last = states.sealedSecret(pool, namespace, name);
  if (last?.digest === digest && last.keyId === keyId) return null;

  const subject = subjects.secret(pool, namespace, name);
  const fields: Record<string, string> = {};
  for (const [field, text] of Object.entries(material)) {
    fields[field] = await seal.seal({ pool, logId, subject, field }, text);
  }
  const data = { namespace, name, digest, keyId, fields };
  return { subject, type: logEventTypes.secretSealed, data };
}

function refused(
  reference: SecretReference,
  reason: Refusal['reason'],
  message: string,
): FoundSecret {
  return { reference, digest: null, material: null, refusal: { reason, message } };
}

/** Fields nobody refers to never leave the Secret. */
function pick(fields: Material, wanted: readonly string[]): Material {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => wanted.includes(field)));
}

/** Sealed text is base64: a third longer. */
function refuseIfTooLarge(material: Material): Refusal | null {
  const bytes = Object.values(material).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const most = (maxEntryBytes * 3) / 4 - 8192;
  if (bytes <= most) return null;
  return { reason: 'TooLarge', message: `its Secret has ${bytes} bytes, the limit is ${most}` };
}
