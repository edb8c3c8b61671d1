import { isRecord } from '../../contracts/json.ts';

/**
 * What a CRD may say about a value (a Kubernetes "structural schema"), as far as ours use it.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export type StructuralSchema = {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly required?: readonly string[];
  readonly items?: StructuralSchema;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly CelRule[];
};

export type CelRule = {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
  readonly reason?: string;
};

const known = new Set([
  'type',
  'description',
  'default',
  'nullable',
  'properties',
  'required',
  'items',
  'enum',
  'format',
  'pattern',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
]);

/** Refuses a keyword that is not enforced here: a rule the API server knows and we do not is a trap. */
export function isStructural(value: unknown): value is StructuralSchema {
  if (!isRecord(value) || !Object.keys(value).every((keyword) => known.has(keyword))) return false;
  const { properties = {}, items } = value;
  if (items !== undefined && !isStructural(items)) return false;
  return isRecord(properties) && Object.values(properties).every(isStructural);
}
