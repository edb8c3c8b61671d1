import type { Meter, MeterScope } from '../runtime/count.ts';

/** Shows which version of each resource is in force; a removed one goes after one more scrape. */
export type VersionGauges = { show(table: ReadonlyMap<string, number>): void };

export function createVersionGauges(meter: Meter): VersionGauges {
  const shown = new Map<string, MeterScope>();

  function scopeOf(resource: string): MeterScope {
    const known = shown.get(resource) ?? meter.scope();
    shown.set(resource, known);
    return known;
  }

  return {
    show(table) {
      for (const [resource, scope] of shown) {
        if (table.has(resource)) continue;
        shown.delete(resource);
        scope.close();
      }
      for (const [formatted, sequence] of table) {
        const [kind = '', ...name] = formatted.split('/');
        const labels = { kind, resource: name.join('/') };
        scopeOf(formatted).cell('headgate_config_version', labels).set(sequence);
      }
    },
  };
}
