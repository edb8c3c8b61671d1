/** The steps from an object to one of its fields: names of fields and places in lists. */
export type FieldPath = ReadonlyArray<string | number>;

/** `spec.listeners[0].port`, `metadata.annotations["headgate.dev/hold-at"]` */
export function formatField(path: FieldPath): string {
  let field = '';
  for (const step of path) {
    if (typeof step === 'number') field += `[${step}]`;
    else if (!/^[\w-]+$/.test(step)) field += `[${JSON.stringify(step)}]`;
    else field += field === '' ? step : `.${step}`;
  }
  return field;
}

/** The inverse of `formatField`. */
export function parseField(field: string): FieldPath {
  const steps = field.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([\w-]+)/g);
  return Array.from(steps, ([, index, quoted, name = '']) => {
    if (index !== undefined) return Number(index);
    return quoted === undefined ? name : String(JSON.parse(quoted));
  });
}

/** `["spec", "listeners", "0", "port"]` of a JSON pointer. */
export function parsePointer(pointer: string, root: unknown): FieldPath {
  const path: Array<string | number> = [];
  let at = root;
  for (const escaped of pointer.split('/').slice(1)) {
    const step = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(at) ? Number(step) : step);
    at = Reflect.get(Object(at), step);
  }
  return path;
}
