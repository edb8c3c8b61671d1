import type { Meter, MeterScope } from './count.ts';

/** Looks the gauges of one row up, once: there may be ten thousand, and each change shows them all. */
type OpenRow<Row> = (scope: MeterScope, name: string) => (row: Row) => void;

/** Gauges of what comes and goes: shows a table as it is now, and no longer what it lacks. */
export function createGaugeTable<Row>(
  meter: Meter,
  open: OpenRow<Row>,
): (table: ReadonlyMap<string, Row>) => void {
  const shown = new Map<string, { readonly scope: MeterScope; readonly set: (row: Row) => void }>();

  function opened(name: string) {
    const scope = meter.scope();
    const row = { scope, set: open(scope, name) };
    shown.set(name, row);
    return row;
  }

  return (table) => {
    for (const [name, { scope }] of shown) {
      if (table.has(name)) continue;
      shown.delete(name);
      scope.close();
    }
    for (const [name, row] of table) (shown.get(name) ?? opened(name)).set(row);
  };
}
