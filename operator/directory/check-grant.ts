import { compileSchema, type FieldProblem } from '../schema/check-schema.ts';
import type { StructuralSchema } from '../schema/structural.ts';

const name = (maxLength: number): StructuralSchema => ({ type: 'string', minLength: 1, maxLength });
const group: StructuralSchema = { type: 'string', maxLength: 253 };

const listOf = (
  properties: Readonly<Record<string, StructuralSchema>>,
  required: readonly string[],
): StructuralSchema => ({
  type: 'array',
  minItems: 1,
  maxItems: 16,
  items: { type: 'object', required, properties },
});

/** What Gateway API's definition of a ReferenceGrant says: of v1 and v1beta1 the same. */
const check = compileSchema({
  type: 'object',
  required: ['spec'],
  properties: {
    apiVersion: {},
    kind: {},
    metadata: {},
    spec: {
      type: 'object',
      required: ['from', 'to'],
      properties: {
        from: listOf({ group, kind: name(63), namespace: name(63) }, [
          'group',
          'kind',
          'namespace',
        ]),
        to: listOf({ group, kind: name(63), name: name(253) }, ['group', 'kind']),
      },
    },
  },
});

/** What is wrong with a ReferenceGrant. */
export function checkGrant(object: unknown): readonly FieldProblem[] {
  return check(object);
}
