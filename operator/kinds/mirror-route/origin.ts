import type { OriginConfig, OriginTls } from '../../../contracts/kinds/mirror-route/config.ts';
import type { MirrorRouteSpec } from '../../../contracts/kinds/mirror-route/spec.ts';
import type { FieldReader } from '../resolve-fields.ts';
import { parseAuthority } from './authority.ts';

type WrittenTls = NonNullable<MirrorRouteSpec['rules'][number]['backendRefs'][number]['tls']>;

/** As it is written: a Service, or a URL; the definition sees to it that it is one of them. */
type WrittenOrigin = {
  readonly name?: string;
  /** Of the Service; without it, that of the resource. */
  readonly namespace?: string;
  readonly port?: number;
  readonly url?: string;
  readonly protocol: 'HTTP1' | 'HTTP2';
  readonly tls?: WrittenTls;
};

/** Where its parts stand: a mirror has its `tls` beside its `backendRef`. */
export type OriginFields = { readonly reference: string; readonly tls: string };

type Place = Pick<OriginConfig, 'host' | 'port' | 'service'>;

/** Where requests go, and how its certificate is checked if they go over TLS. */
export function readOrigin(
  read: FieldReader,
  fields: OriginFields,
  written: WrittenOrigin,
  from: string,
): OriginConfig {
  const { name, namespace = from, port = 80, url = '', protocol, tls } = written;
  const isSecure = tls !== undefined || url.startsWith('https://');
  const place: Place =
    name === undefined
      ? readUrl(read, `${fields.reference}.url`, url, isSecure ? 443 : 80)
      : { host: `${name}.${namespace}.svc`, port, service: { namespace, name, from } };
  if (!isSecure) return { scheme: 'http', ...place, protocol };
  return {
    scheme: 'https',
    ...place,
    protocol,
    tls: readTls(read, fields.tls, tls, place.host, from),
  };
}

/** It has the form the definition asks for: `http://host[:port]`, or https. */
function readUrl(read: FieldReader, field: string, url: string, defaultPort: number): Place {
  const authority = parseAuthority(url.slice(url.indexOf('://') + '://'.length));
  if (!('problem' in authority)) {
    return { host: authority.host, port: authority.port ?? defaultPort, service: null };
  }
  read.refuse(field, authority.problem);
  return { host: '', port: defaultPort, service: null };
}

function readTls(
  read: FieldReader,
  field: string,
  { hostname, caCertificateRefs, minVersion = 'TLS1.2' }: Partial<WrittenTls> = {},
  host: string,
  namespace: string,
): OriginTls {
  return {
    hostname: hostname === undefined ? host : readHostname(read, `${field}.hostname`, hostname),
    minVersion: readMinVersion(minVersion),
    caCertificates: caCertificateRefs?.map(({ name }) => ({ namespace, name, pem: null })) ?? null,
  };
}

function readHostname(read: FieldReader, field: string, hostname: string): string {
  const authority = parseAuthority(hostname);
  if (!('problem' in authority)) return authority.host;
  read.refuse(field, authority.problem);
  return hostname;
}

/** What the definition calls `TLS1.2` is called otherwise where TLS is spoken. */
export function readMinVersion(written: 'TLS1.2' | 'TLS1.3'): OriginTls['minVersion'] {
  return written === 'TLS1.3' ? 'TLSv1.3' : 'TLSv1.2';
}
