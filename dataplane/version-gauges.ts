import type { Cell, Meter, MeterScope } from '../runtime/count.ts';

/** Shows which version of each resource is in force; a removed one goes after one more scrape. */
export type VersionGauges = { show(table: ReadonlyMap<string, number>): void };

type Shown = { readonly scope: MeterScope; readonly cell: Cell };

export function createVersionGauges(meter: Meter): VersionGauges {
  const shown = new Map<string, Shown>();

  function open(formatted: string): Shown {
    const [kind = '', ...name] = formatted.split('/');
    const scope = meter.scope();
    const cell = scope.cell('headgate_config_version', { kind, resource: name.join('/') });
    const opened = { scope, cell };
    shown.set(formatted, opened);
    return opened;
  }

  return {
    show(table) {
      for (const [resource, { scope }] of shown) {
        if (table.has(resource)) continue;
        shown.delete(resource);
        scope.close();
      }
      for (const [resource, sequence] of table) {
        (shown.get(resource) ?? open(resource)).cell.set(sequence);
      }
    },
  };
}
