/**
 * Whether everything we wish for is there already. Fields that we do not name are not looked at:
 * the API server fills in defaults, and others may own them. Lists of ours are wholly ours, except
 * those whose items have names: there others may add their own. A selector with one label more and
 * a Service with one port more lead clients elsewhere: they are ours alone.
 */
export function isAsWished(live: unknown, wished: unknown, field = ''): boolean {
  if (Array.isArray(wished)) return Array.isArray(live) && listIsAsWished(live, wished, field);
  if (isObject(wished)) {
    return (
      isObject(live) &&
      (field !== 'selector' || haveSameFields(live, wished)) &&
      Object.entries(wished).every(([name, value]) =>
        isQuantities(field)
          ? quantityOf(live[name]) === quantityOf(value)
          : isAsWished(live[name], value, name),
      )
    );
  }
  return live === wished;
}

function listIsAsWished(
  live: readonly unknown[],
  wished: readonly unknown[],
  field: string,
): boolean {
  if (field !== 'ports' && wished.every(isNamed)) {
    return wished.every((item) =>
      live.some((other) => isNamed(other) && other.name === item.name && isAsWished(other, item)),
    );
  }
  return (
    live.length === wished.length &&
    wished.every((item, index) => isAsWished(live[index], item, field))
  );
}

function haveSameFields(live: object, wished: object): boolean {
  return Object.keys(live).length === Object.keys(wished).length;
}

const isQuantities = (field: string) => field === 'requests' || field === 'limits';

const suffixes: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The API server writes `1000m` as `1`. What is no quantity stays as it is. */
function quantityOf(value: unknown): unknown {
  const [, number, suffix = ''] = /^([0-9.]+)([a-zA-Z]*)$/.exec(String(value)) ?? [];
  const factor = suffixes[suffix];
  if (number === undefined || factor === undefined) return value;
  return Number((Number(number) * factor).toPrecision(12));
}

type Named = { readonly name: string };

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNamed(value: unknown): value is Named {
  return isObject(value) && typeof value['name'] === 'string';
}
