import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isRecord } from '../../contracts/json.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import { isStructural, type StructuralSchema } from './structural.ts';

/** What a CustomResourceDefinition says about one kind. */
export type Crd = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: StructuralSchema;
};

const files: Readonly<Record<Kind, string>> = {
  ForwardProxy: 'forward-proxy.yaml',
  MirrorRoute: 'mirror-route.yaml',
};

/** `crds/` lies at the root of the checkout, and in `dist/`. */
const crdDirectory = join(import.meta.dirname, '../../crds');

/** The definition of one of our kinds, from `crds/`. */
export function readCrd(kind: Kind): Crd {
  return parseCrd(readFileSync(crdFile(kind), 'utf8'));
}

/** Where the definition of one of our kinds lies. */
export function crdFile(kind: Kind): string {
  return join(crdDirectory, files[kind]);
}

/** Reads the one version a definition of ours has. Throws on anything else: it is our own file. */
export function parseCrd(text: string): Crd {
  const crd: unknown = parse(text);
  const spec = field(crd, 'spec');
  const group = field(spec, 'group');
  const kind = field(field(spec, 'names'), 'kind');
  const version = field(field(spec, 'versions'), '0');
  const schema = field(field(version, 'schema'), 'openAPIV3Schema');
  if (typeof kind !== 'string') throw new TypeError('CRD without spec.names.kind');
  if (!isStructural(schema)) throw new TypeError(`CRD of ${kind} uses a keyword nobody enforces`);
  return { apiVersion: `${String(group)}/${String(field(version, 'name'))}`, kind, schema };
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) || Array.isArray(value) ? Reflect.get(value, name) : undefined;
}
