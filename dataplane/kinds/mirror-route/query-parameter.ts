/**
 * The parameters of a query by name (all in wire text), of several with one name the first. Names
 * and values are decoded as forms are (WHATWG URL §5.1): `%41` is `A`, `+` is a blank, an escape that
 * is none stays as it is, and a parameter without `=` is empty.
 */
export function queryParameters(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const parameter of query.split('&')) {
    if (parameter === '') continue; // `&&` is no parameter with an empty name
    const equals = parameter.indexOf('=');
    const name = decode(equals < 0 ? parameter : parameter.slice(0, equals));
    if (!parameters.has(name))
      parameters.set(name, equals < 0 ? '' : decode(parameter.slice(equals + 1)));
  }
  return parameters;
}

/** One of them, or `null`. */
export function queryParameter(query: string | null, name: string): string | null {
  return query === null ? null : (queryParameters(query).get(name) ?? null);
}

function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
