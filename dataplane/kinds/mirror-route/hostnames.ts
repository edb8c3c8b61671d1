import { normaliseHost } from '../../protocols/target.ts';

/** Compiled `hostnames` of a configuration. */
export type Hostnames = {
  readonly any: boolean;
  readonly exact: ReadonlySet<string>;
  /** With their dot, the longest first. */
  readonly suffixes: readonly string[];
};

export function compileHostnames(hostnames: readonly string[]): Hostnames {
  const wild = hostnames.filter((name) => name.startsWith('*.'));
  return {
    any: hostnames.length === 0,
    exact: new Set(hostnames.filter((name) => !name.startsWith('*.'))),
    suffixes: wild.map((name) => name.slice(1)).toSorted((one, other) => other.length - one.length),
  };
}

/** More than any suffix can have: a name has at most 253 characters (RFC 1035 §2.3.4). */
const exactRank = 1000;

/**
 * How closely `hostnames` name this Host, `null`: not at all. Of several routes the one with the
 * highest rank is meant, as in HTTPRoute: an exact name, then the longest wildcard, then 0, any host.
 * `*.x` is every name below `x`, at any depth, and not `x` itself; any port will do.
 */
export function hostnameRank(hostnames: Hostnames, host: string | null): number | null {
  if (hostnames.any) return 0;
  return nameRank(hostnames, host === null ? null : hostOf(host));
}

/** The same for a host in its normal form, as {@link hostOf} answers it. */
export function nameRank(hostnames: Hostnames, name: string | null): number | null {
  if (hostnames.any) return 0;
  if (name === null) return null;
  if (hostnames.exact.has(name)) return exactRank;
  for (const suffix of hostnames.suffixes) if (name.endsWith(suffix)) return suffix.length;
  return null;
}

/** `uri-host [ ":" port ]` (RFC 9110 §7.2) in visible ASCII: the host, in its normal form. */
const hostField = /^(\[[^\]]*\]|[\x21-\x39\x3b-\x7e]*)(?::[0-9]*)?$/;

/** The host that a Host field names, in its normal form; `null`: none that anybody has. */
export function hostOf(field: string): string | null {
  const [, host] = hostField.exec(field) ?? [];
  return host === undefined ? null : normaliseHost(host);
}
