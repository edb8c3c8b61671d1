import { readFileSync } from 'node:fs';
import type { ApiObjectProps } from 'cdk8s';
import { parse } from 'yaml';
import { isRecord } from '../../contracts/json.ts';
import { kinds } from '../../contracts/kinds/all-kinds.ts';
import { crdFile } from '../../operator/schema/crd.ts';
import { addObject, type Part } from '../objects.ts';

/** The kinds, as `crds/` has them. */
export const addCrds: Part = (scope) => {
  for (const kind of kinds) {
    const crd: unknown = parse(readFileSync(crdFile(kind), 'utf8'));
    if (!isNamedObject(crd)) throw new TypeError(`${crdFile(kind)} is no object with a name`);
    addObject(scope, crd);
  }
};

type NamedObject = ApiObjectProps & { readonly metadata: { readonly name: string } };

function isNamedObject(value: unknown): value is NamedObject {
  if (!isRecord(value) || !isRecord(value['metadata'])) return false;
  const { apiVersion, kind, metadata } = value;
  return [apiVersion, kind, metadata['name']].every((field) => typeof field === 'string');
}
