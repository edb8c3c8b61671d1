import type { Found } from './found.ts';
import type { Gathered } from './gathered.ts';
import type { Reader } from './reader.ts';
import { serviceBackend } from './service-backend.ts';
import type { ResourceName } from './sort-kubernetes-object.ts';
import type { WrittenTarget } from './written.ts';

export const referenceFields = ['group', 'kind', 'name', 'namespace', 'port'];

/** What a `backendRef` of Gateway API stands for; `null`: no Service, so it was refused. */
export function referredService(
  read: Reader,
  gathered: Gathered,
  reference: Found,
  source: ResourceName,
): WrittenTarget | null {
  const group = read.text(reference.at('group')) ?? '';
  const kind = read.text(reference.at('kind')) ?? 'Service';
  if (group !== '' || kind !== 'Service') {
    read.refuse(reference, `requests cannot go to a ${kind}: write a Service`);
    return null;
  }
  const name = read.text(reference.at('name')) ?? '';
  const namespace = read.text(reference.at('namespace')) ?? source.namespace;
  return serviceBackend(read, gathered, {
    service: { namespace, name },
    port: reference.at('port'),
    from: source.namespace,
    asWhole: false,
    scheme: 'http',
  });
}
