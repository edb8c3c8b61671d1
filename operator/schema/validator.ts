import { isRecord } from '../../contracts/json.ts';
import { isKind, type Kind, kinds, type SpecOf } from '../../contracts/kinds/all-kinds.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import { compileCel } from './cel-rules.ts';
import { findRepeatedKeys } from './check-list-keys.ts';
import { compileSchema, type FieldProblem } from './check-schema.ts';
import { readCrd } from './crd.ts';
import { applyDefaults } from './defaults.ts';
import { findProblems } from './find-problems.ts';
import { identify } from './identify.ts';
import type { StructuralSchema } from './structural.ts';

/** Does outside a cluster what the API server does with our CRDs, and refuses unknown fields. */
export type Validator = {
  /** `oldSpec`, where known, is what rules about transitions compare with. */
  validate(object: unknown, oldSpec?: unknown): Validated;
};

export type Validated =
  | {
      readonly ok: true;
      readonly key: ResourceKey;
      /** The schema's defaults are applied. */
      readonly spec: SpecOf<Kind>;
      readonly holdAt: number | null;
    }
  | {
      readonly ok: false;
      /** `null`: it does not even say which resource it is. */
      readonly key: ResourceKey | null;
      readonly problems: readonly FieldProblem[];
    };

export function createValidator(): Validator {
  const checks = new Map(kinds.map((kind) => [kind, compileObject(readCrd(kind).schema)]));

  return {
    validate(object, oldSpec) {
      const { identity, problems } = identify(object);
      if (identity === null) return { ok: false, key: null, problems };
      const { kind, namespace, name } = identity;
      if (!isKind(kind)) throw new TypeError(`${kind} is none of our kinds`);

      const key = { kind, namespace, name };
      const held = holdOf(object);
      const checked = checks.get(kind)?.(object, oldSpec) ?? { spec: null, problems: [] };
      const all = [...problems, ...held.problems, ...checked.problems];
      if (all.length > 0) return { ok: false, key, problems: all };

      // The schema was generated into the type, and the object just satisfied the schema.
      const spec = checked.spec as SpecOf<Kind>;
      const meaning = findProblems(key, spec);
      if (meaning.length > 0) return { ok: false, key, problems: meaning };
      return { ok: true, key, spec, holdAt: held.holdAt };
    },
  };
}

type Checked = { readonly spec: unknown; readonly problems: readonly FieldProblem[] };

/** The checks of one schema, in the API server's order: defaults, schema, then CEL. */
export function compileObject(schema: StructuralSchema) {
  const { spec = {} } = schema.properties ?? {};
  // What lies beside the spec is checked by `identify`; a status is the system's, not the writer's.
  const whole = {
    ...schema,
    properties: { apiVersion: {}, kind: {}, metadata: {}, spec, status: {} },
  };
  const check = compileSchema(whole);
  const checkCel = compileCel({ type: 'object', properties: { spec } });

  return (object: unknown, oldSpec?: unknown): Checked => {
    const defaulted = applyDefaults(object, whole);
    const wanted = isRecord(defaulted) ? defaulted['spec'] : undefined;
    const bySchema = [...check(defaulted), ...findRepeatedKeys(defaulted, whole)];
    if (bySchema.length > 0) return { spec: wanted, problems: bySchema };
    return { spec: wanted, problems: checkCel({ spec: wanted }, { spec: oldSpec }) };
  };
}

const holdAnnotation = 'headgate.dev/hold-at';

/** The version an annotation asks to stay at. */
function holdOf(object: unknown) {
  const metadata = isRecord(object) ? object['metadata'] : undefined;
  const annotations = isRecord(metadata) ? metadata['annotations'] : undefined;
  const text = isRecord(annotations) ? annotations[holdAnnotation] : undefined;
  if (typeof text !== 'string') return { holdAt: null, problems: [] };
  if (/^[1-9][0-9]{0,14}$/.test(text)) return { holdAt: Number(text), problems: [] };
  const problem = {
    field: `metadata.annotations["${holdAnnotation}"]`,
    message: `"${text}" is not a version, which is a number as \`headgate events\` shows it`,
  };
  return { holdAt: null, problems: [problem] };
}
