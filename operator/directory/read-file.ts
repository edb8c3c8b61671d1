import { createHash } from 'node:crypto';
import { canonicalJson, isRecord } from '../../contracts/json.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Observed, ObservedSecret, Problem } from '../control-loop/source.ts';
import { type Identity, identify } from '../schema/identify.ts';
import type { Validator } from '../schema/validator.ts';
import { type ParsedDocument, parseFile } from './parse-file.ts';
import { readSecretObject } from './read-secret.ts';

/** One resource or Secret as a file has it. */
export type Entry = Identity & {
  readonly file: string;
  readonly line: number;
  /** Of `metadata.name`. */
  readonly nameLine: number;
  /** Differs when there is something new to decide. */
  readonly fingerprint: string;
} & (
    | {
        readonly type: 'resource';
        readonly kind: Kind;
        readonly observed: NonNullable<Observed<Kind>>;
      }
    | { readonly type: 'secret'; readonly kind: 'Secret'; readonly secret: ObservedSecret }
  );

export type FileContents = {
  readonly entries: readonly Entry[];
  /** What belongs to no resource, and what is wrong with Secrets. */
  readonly problems: readonly Problem[];
  /** Not everything in it was understood, so what it lacks proves nothing. */
  readonly incomplete: boolean;
};

/** The last known spec of a resource, for rules about transitions. */
export type OldSpecOf = (identity: Identity) => unknown;

/** Everything one file says. */
export function readFileContents(
  file: string,
  bytes: Uint8Array,
  validator: Validator,
  oldSpecOf: OldSpecOf = () => undefined,
): FileContents {
  const parsed = parseFile(bytes);
  const entries: Entry[] = [];
  const problems: Problem[] = parsed.problems.map(({ line, message }) => ({
    file,
    line,
    field: '',
    message,
  }));
  let incomplete = problems.length > 0;

  for (const document of parsed.documents) {
    const identified = identify(document.object);
    if (identified.identity === null) {
      problems.push(...locate(file, document, identified.problems));
      incomplete ||= !identified.foreign;
    } else if (identified.identity.kind === 'Secret') {
      const found = locate(file, document, identified.problems);
      const secret = secretEntry(file, document, identified.identity, found);
      entries.push(secret.entry);
      problems.push(...secret.problems);
    } else {
      const oldSpec = oldSpecOf(identified.identity);
      entries.push(
        resourceEntry(
          file,
          document,
          validator,
          { ...identified.identity, kind: identified.identity.kind },
          oldSpec,
        ),
      );
    }
  }
  return { entries, problems, incomplete };
}

function resourceEntry(
  file: string,
  document: ParsedDocument,
  validator: Validator,
  key: Identity & { readonly kind: Kind },
  oldSpec: unknown,
): Entry {
  const cause = `${file}:${document.line}`;
  const checked = validator.validate(document.object, oldSpec);
  const written = isRecord(document.object) ? document.object['spec'] : undefined;
  const observed: NonNullable<Observed<Kind>> = checked.ok
    ? {
        valid: true,
        spec: checked.spec,
        specDigest: digestOf(checked.spec),
        holdAt: checked.holdAt,
        cause,
      }
    : {
        valid: false,
        specDigest: digestOf(written ?? null),
        cause,
        problems: locate(file, document, checked.problems),
      };
  const fingerprint = canonicalJson({ ...observed, cause: null });
  const place = { file, line: document.line, nameLine: document.lineOf('metadata.name') };
  return { type: 'resource', ...key, ...place, fingerprint, observed };
}

function secretEntry(
  file: string,
  document: ParsedDocument,
  { namespace, name }: Identity,
  ofMetadata: readonly Problem[],
): { readonly entry: Entry; readonly problems: readonly Problem[] } {
  const { fields, problems: ofFields } = readSecretObject(document.object);
  const problems = [...ofMetadata, ...locate(file, document, ofFields)];
  const secret: ObservedSecret =
    problems.length === 0
      ? { found: true, fields }
      : { found: false, message: problems.map(formatProblem).join('; ') };
  const place = { file, line: document.line, nameLine: document.lineOf('metadata.name') };
  // A digest, so that the material is not kept twice.
  const fingerprint = digestOf(secret);
  const entry: Entry = {
    type: 'secret',
    kind: 'Secret',
    namespace,
    name,
    ...place,
    fingerprint,
    secret,
  };
  return { entry, problems };
}

function locate(
  file: string,
  document: ParsedDocument,
  problems: readonly { readonly field: string; readonly message: string }[],
): readonly Problem[] {
  return problems.map(({ field, message }) => ({
    file,
    line: document.lineOf(field),
    field,
    message,
  }));
}

/** `proxies/egress.yaml:7:spec.listeners[0].port: must be a whole number` */
export function formatProblem({ file, line, field, message }: Problem): string {
  return `${file}:${line}:${field === '' ? '' : `${field}:`} ${message}`;
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
