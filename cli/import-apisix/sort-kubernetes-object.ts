import type { Found } from './found.ts';
import { type Gathered, keep } from './gathered.ts';
import type { Reader } from './reader.ts';

const apisix = 'apisix.apache.org';
const gateway = 'gateway.networking.k8s.io';

/** Which versions of what can be read. */
const readable: Readonly<Record<string, readonly string[]>> = {
  ApisixRoute: [`${apisix}/v2`],
  ApisixPluginConfig: [`${apisix}/v2`],
  ApisixUpstream: [`${apisix}/v2`],
  PluginConfig: [`${apisix}/v1alpha1`],
  HTTPRoute: [`${gateway}/v1`, `${gateway}/v1beta1`],
  Service: ['v1'],
};

/** They change what routes do, though these do not name them. */
const farReaching = ['ApisixGlobalRule', 'BackendTrafficPolicy', 'HTTPRoutePolicy'];

const besideRoutes = ['ApisixConsumer', 'ApisixTls', 'Consumer', 'GatewayProxy'];

/** Without them their requests would find a rule that is carried over. */
const otherRoutes = ['Ingress', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'];

type ObjectType = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly defaultNamespace: string;
};

export function sortKubernetesObject(
  read: Reader,
  gathered: Gathered,
  object: Found,
  { apiVersion, kind, defaultNamespace }: ObjectType,
): void {
  const [group = ''] = apiVersion.split('/');
  const versions = Object.hasOwn(readable, kind) ? (readable[kind] ?? []) : [];
  if (versions.includes(apiVersion)) {
    const { namespace, name } = identityOf(object, defaultNamespace);
    if (kind === 'ApisixRoute') gathered.apisixRoutes.push(object);
    else if (kind === 'HTTPRoute') gathered.httpRoutes.push(object);
    else keep(read, gathered, `${kind}/${namespace}/${name}`, object);
  } else if (versions.some((version) => version.startsWith(`${group}/`))) {
    const message = `a ${kind} of ${apiVersion} cannot be read: write it as ${versions[0]}`;
    read.refuse(object.at('apiVersion'), message);
  } else if (group === apisix && farReaching.includes(kind)) {
    const message = `a ${kind} changes what routes do and cannot be carried over: look what it does to yours, and leave it out`;
    read.refuse(object, message);
  } else if (group === apisix && !besideRoutes.includes(kind)) {
    read.refuse(object.at('kind'), `"${kind}" is no kind of ${apisix} that is known here`);
  } else if (otherRoutes.includes(kind)) {
    const message = `${kind} is a kind of route that cannot be carried over: write it as HTTPRoute, or leave it out`;
    read.refuse(object, message);
  } else {
    const { name } = identityOf(object, defaultNamespace);
    read.note(object, `${kind} "${name}" is left out: it is no part of a route`);
  }
}

export type ResourceName = { readonly namespace: string; readonly name: string };

export function identityOf(object: Found, defaultNamespace: string): ResourceName {
  const metadata = object.at('metadata');
  const { value: namespace } = metadata.at('namespace');
  const { value: name } = metadata.at('name');
  return {
    namespace: typeof namespace === 'string' ? namespace : defaultNamespace,
    name: typeof name === 'string' ? name : '',
  };
}
