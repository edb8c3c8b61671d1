import { createHash } from 'node:crypto';
import { canonicalJson, isRecord } from '../../contracts/json.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Observed, ObservedSecret, Problem } from '../control-loop/source.ts';
import { type GrantFacts, readGrant } from '../reference-grants.ts';
import { type Identity, identify } from '../schema/identify.ts';
import type { Validator } from '../schema/validator.ts';
import {
  readEndpointSlice,
  readService,
  type ServiceFacts,
  type SliceFacts,
  serviceOfSlice,
} from '../service-endpoints.ts';
import { checkGrant } from './check-grant.ts';
import { type ParsedDocument, parseFile } from './parse-file.ts';
import { readSecretObject } from './read-secret.ts';

/** One resource, or what resources refer to, as a file has it. */
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
    | { readonly type: 'service'; readonly kind: 'Service'; readonly facts: ServiceFacts }
    | {
        readonly type: 'slice';
        readonly kind: 'EndpointSlice';
        /** The name of the Service it is of. */
        readonly service: string;
        readonly facts: SliceFacts;
      }
    | {
        readonly type: 'grant';
        readonly kind: 'ReferenceGrant';
        /** `null`: what it permits cannot be told, for the mistakes in it. */
        readonly facts: GrantFacts | null;
      }
  );

export type FileContents = {
  readonly entries: readonly Entry[];
  /** What belongs to no resource, and what is wrong with Secrets and ReferenceGrants. */
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
      continue;
    }
    const { identity } = identified;
    const found = locate(file, document, identified.problems);
    switch (identity.kind) {
      case 'Secret': {
        const secret = secretEntry(file, document, identity, found);
        entries.push(secret.entry);
        problems.push(...secret.problems);
        break;
      }
      case 'Service':
      case 'EndpointSlice':
        entries.push(serviceEntry(file, document, { ...identity, kind: identity.kind }));
        problems.push(...found);
        break;
      case 'ReferenceGrant': {
        const grant = grantEntry(file, document, identity, found);
        entries.push(grant.entry);
        problems.push(...grant.problems);
        break;
      }
      default: {
        const key = { ...identity, kind: identity.kind };
        entries.push(resourceEntry(file, document, validator, key, oldSpecOf(identity)));
      }
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

/** Taken as it is: whoever writes it for a cluster has it checked there. */
function serviceEntry(
  file: string,
  document: ParsedDocument,
  { kind, namespace, name }: Identity & { readonly kind: 'Service' | 'EndpointSlice' },
): Entry {
  const object = isRecord(document.object) ? document.object : {};
  const place = { file, line: document.line, nameLine: document.lineOf('metadata.name') };
  if (kind === 'Service') {
    const facts = readService(object);
    const fingerprint = canonicalJson(facts);
    return { type: 'service', kind, namespace, name, ...place, fingerprint, facts };
  }
  const facts = readEndpointSlice(object);
  const fingerprint = canonicalJson(facts);
  const service = serviceOfSlice(object);
  // One that becomes a slice of another Service is gone from the first.
  const key = { kind, namespace, name: `${service}/${name}` };
  return { type: 'slice', ...key, service, ...place, fingerprint, facts };
}

/** One with a mistake is not read: without a misspelt field it might permit too much. */
function grantEntry(
  file: string,
  document: ParsedDocument,
  { namespace, name }: Identity,
  ofMetadata: readonly Problem[],
): { readonly entry: Entry; readonly problems: readonly Problem[] } {
  const problems = [...ofMetadata, ...locate(file, document, checkGrant(document.object))];
  const { object } = document;
  const facts = problems.length === 0 && isRecord(object) ? readGrant(object) : null;
  const place = { file, line: document.line, nameLine: document.lineOf('metadata.name') };
  const key = { kind: 'ReferenceGrant', namespace, name } as const;
  const fingerprint = canonicalJson(facts);
  return { entry: { type: 'grant', ...key, ...place, fingerprint, facts }, problems };
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
  const place = line === 0 ? file : `${file}:${line}`;
  return `${place}:${field === '' ? '' : `${field}:`} ${message}`;
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
