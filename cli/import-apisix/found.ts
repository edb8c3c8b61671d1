import type { ParsedDocument } from '../../operator/directory/parse-file.ts';
import { type FieldPath, formatField } from '../../operator/schema/field-path.ts';

/** Where something is written: `routes.yaml:12`. */
export type Placed = { readonly place: string };

/** A value in somebody's file that nobody has checked yet, and where it is written. */
export type Found = Placed & {
  readonly value: unknown;
  /** What is under a name or at a place of a list. What is not there has the place where it belongs. */
  at(step: string | number): Found;
};

/** A whole document. */
export function foundIn(file: string, document: ParsedDocument): Found {
  const found = (value: unknown, path: FieldPath): Found => ({
    value,
    get place() {
      const line = path.length === 0 ? document.line : document.lineOf(formatField(path));
      return `${file}:${line}`;
    },
    at: (step) => found(childOf(value, step), [...path, step]),
  });
  return found(document.object, []);
}

function childOf(value: unknown, step: string | number): unknown {
  const holds = typeof value === 'object' && value !== null && Object.hasOwn(value, step);
  return holds ? Reflect.get(value, step) : undefined;
}
