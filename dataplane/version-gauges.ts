import type { Meter } from '../runtime/count.ts';
import { createGaugeTable } from '../runtime/gauge-table.ts';

/** Shows which version of each resource is in force; by `Kind/namespace/name`. */
export type VersionGauges = { show(table: ReadonlyMap<string, number>): void };

export function createVersionGauges(meter: Meter): VersionGauges {
  const show = createGaugeTable<number>(meter, (scope, formatted) => {
    const [kind = '', ...name] = formatted.split('/');
    const cell = scope.cell('headgate_config_version', { kind, resource: name.join('/') });
    return (sequence) => cell.set(sequence);
  });
  return { show };
}
