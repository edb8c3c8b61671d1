import type { Meter, MeterScope } from './count.ts';

/** Sets the gauges of one row. */
type ShowRow<Row> = (scope: MeterScope, name: string, row: Row) => void;

/** Gauges of what comes and goes: shows a table as it is now, and no longer what it lacks. */
export function createGaugeTable<Row>(
  meter: Meter,
  show: ShowRow<Row>,
): (table: ReadonlyMap<string, Row>) => void {
  const scopes = new Map<string, MeterScope>();
  return (table) => {
    for (const [name, scope] of scopes) {
      if (table.has(name)) continue;
      scopes.delete(name);
      scope.close();
    }
    for (const [name, row] of table) {
      const scope = scopes.get(name) ?? meter.scope();
      scopes.set(name, scope);
      show(scope, name, row);
    }
  };
}
