import { X509Certificate } from 'node:crypto';
import type { Kind } from '../contracts/kinds/all-kinds.ts';
import { resourceLabel } from '../contracts/resource-key.ts';
import type { Meter } from '../runtime/count.ts';
import { createGaugeTable } from '../runtime/gauge-table.ts';
import type { ServedResource } from './workers/messages.ts';

/** Shows until when the certificates are good that clients are shown: those in force, not those that are wanted. */
export type CertificateGauges = { show(served: Iterable<Served>): void };

type Served = Pick<ServedResource<Kind>, 'kind' | 'namespace' | 'name' | 'certificates'>;

export function createCertificateGauges(meter: Meter): CertificateGauges {
  /** Of versions that run on no certificate is read twice. */
  const known = new WeakMap<Served['certificates'], ReadonlyMap<string, number>>();
  const show = createGaugeTable<number>(meter, (scope, place) => {
    const [resource = '', secret = ''] = place.split(' ');
    const name = 'headgate_certificate_expiration_timestamp_seconds';
    const cell = scope.cell(name, { resource, secret });
    return (expiresMs) => cell.set(expiresMs / 1000);
  });

  function expiriesOf(certificates: Served['certificates']): ReadonlyMap<string, number> {
    const before = known.get(certificates);
    if (before !== undefined) return before;
    const expiries = readExpiries(certificates);
    known.set(certificates, expiries);
    return expiries;
  }

  return {
    show(served) {
      const table = new Map<string, number>();
      for (const each of served) {
        for (const [secret, expiresMs] of expiriesOf(each.certificates)) {
          table.set(`${resourceLabel(each)} ${secret}`, expiresMs);
        }
      }
      show(table);
    },
  };
}

/** Secret → when its leaf expires. */
function readExpiries(certificates: Served['certificates']): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(certificates).map(([secret, { certificate }]) => {
      return [secret, new X509Certificate(certificate).validToDate.getTime()];
    }),
  );
}
