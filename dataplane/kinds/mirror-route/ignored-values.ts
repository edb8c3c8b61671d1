/** What of a JSON document is left out, as a tree of the names and indices that lead there. */
export type IgnoredValues = {
  /** This value itself. */
  readonly whole: boolean;
  readonly below: ReadonlyMap<string, IgnoredValues>;
};

type Growing = { whole: boolean; readonly below: Map<string, Growing> };

/** Reads JSON Pointers (RFC 6901); the one of the whole document, `""`, is not among them. */
export function ignoredValues(pointers: readonly string[]): IgnoredValues {
  const root = nothing();
  for (const pointer of pointers) {
    let at = root;
    for (const name of pointer.split('/').slice(1).map(unescaped)) at = below(at, name);
    at.whole = true;
  }
  return root;
}

const nothing = (): Growing => ({ whole: false, below: new Map() });

function below(parent: Growing, name: string): Growing {
  const known = parent.below.get(name);
  if (known !== undefined) return known;
  const child = nothing();
  parent.below.set(name, child);
  return child;
}

/** `~1` first: what `~01` stands for is `~1`, and no slash (RFC 6901 §4). */
function unescaped(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~');
}
