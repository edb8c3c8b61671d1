import type { Found } from './found.ts';
import type { Gathered } from './gathered.ts';
import { isAbsent, type Reader } from './reader.ts';
import type { ResourceName } from './sort-kubernetes-object.ts';
import { defaultPorts, isPort, originUrl, type Scheme } from './urls.ts';
import type { WrittenTarget } from './written.ts';

export type ServiceUse = {
  readonly service: ResourceName;
  /** A number, the name of a port, or absent where it need not be given. */
  readonly port: Found;
  /** The namespace of the MirrorRoute. */
  readonly from: string;
  /** Whether the cluster chooses among those who serve it, and not the route. */
  readonly asWhole: boolean;
  readonly scheme: Scheme;
};

/** A Kubernetes Service as a backend or a mirror; `null`: it cannot be one, which was refused. */
export function serviceBackend(
  read: Reader,
  { resources }: Gathered,
  { service: { namespace, name }, port, from, asWhole, scheme }: ServiceUse,
): WrittenTarget | null {
  const service = resources.get(`Service/${namespace}/${name}`) ?? null;
  const external = service === null ? null : externalNameOf(read, service);
  if (external !== null) {
    const number = isAbsent(port) ? null : numberOf(read, port);
    return { url: originUrl(scheme, external, number ?? defaultPorts[scheme]) };
  }

  const number = portOf(read, service, { namespace, name }, port);
  if (number === null) return null;
  if (asWhole) {
    const url = originUrl(scheme, `${name}.${namespace}.svc`, number);
    read.note(port, `Service ${namespace}/${name} becomes ${url}, its name in the cluster's DNS`);
    return { url };
  }
  if (namespace === from) return { name, port: number };
  const message = `Service ${namespace}/${name} is in another namespace: a ReferenceGrant in ${namespace} has to permit it, from {group: headgate.dev, kind: MirrorRoute, namespace: ${from}} to {group: "", kind: Service, name: ${name}}; one from HTTPRoute does not`;
  read.note(port, message);
  return { name, namespace, port: number };
}

/** What a Service of type ExternalName stands for; `null`: it is none. */
export function externalNameOf(read: Reader, service: Found): string | null {
  const spec = service.at('spec');
  return spec.at('type').value === 'ExternalName' ? read.text(spec.at('externalName')) : null;
}

function portOf(
  read: Reader,
  service: Found | null,
  { namespace, name }: ResourceName,
  port: Found,
): number | null {
  if (service === null) {
    if (typeof port.value === 'number') return numberOf(read, port);
    const message = `which port of Service ${namespace}/${name} that is, only the Service says: give it too, or write the number`;
    read.refuse(port, message);
    return null;
  }
  const wanted = read.label(port);
  const ports = read.items(service.at('spec').at('ports'));
  const found = ports.find(
    (each) => read.label(each.at('port')) === wanted || each.at('name').value === wanted,
  );
  if (found !== undefined) return numberOf(read, found.at('port'));
  read.refuse(port, `Service ${namespace}/${name} (${service.place}) has no port ${wanted}`);
  return null;
}

function numberOf(read: Reader, port: Found): number | null {
  const number = read.number(port);
  if (number === null || isPort(number)) return number;
  read.refuse(port, `${number} is not a port from 1 to 65535`);
  return null;
}
