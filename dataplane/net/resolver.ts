import { Resolver } from 'node:dns';
import { readFileSync } from 'node:fs';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { AddressFamily } from '../../contracts/kinds/serving.ts';
import { type Ip, parseIp } from '../protocols/ip-address.ts';

/**
 * Names to addresses, without `getaddrinfo`, whose four threads a few dead servers can block
 * (measured: an honest look-up waited 20 s). Hosts file, search list, cache by TTL, one question at
 * a time per name, and a cap on questions under way.
 */
export type NameResolver = {
  /** Calls back once: at once (before returning) from the hosts file or the cache. */
  resolve(name: string, options: ResolveOptions, done: Resolved): void;
};

export type ResolveOptions = { readonly family: AddressFamily; readonly timeoutMs: number };
export type Resolved = (failure: ErrorCode | null, addresses: readonly Ip[]) => void;

export type ResolverSettings = {
  /** `host:port`; empty: those of `resolvConf`. */
  readonly servers: readonly string[];
  readonly hostsFile: string;
  readonly resolvConf: string;
  readonly observe: (result: LookupResult, seconds: number | null) => void;
};

export type LookupResult = 'cached' | 'ok' | 'not_found' | 'timeout' | 'error';

const minTtlMs = 5_000;
const maxTtlMs = 300_000;
const negativeTtlMs = 5_000;
const maxEntries = 1024;
const maxOutstanding = 256;
/** RFC 8305 §3: so long IPv4 addresses wait for those of IPv6. */
const resolutionDelayMs = 50;

type Answer = { readonly failure: ErrorCode | null; readonly addresses: readonly Ip[] };
type Entry = Answer & { readonly expiresMs: number };
type Question = { readonly waiting: Resolved[] };
type RecordAnswer = { addresses: Ip[]; ttlSeconds: number; error: string | null };
type Found = Answer & { readonly result: LookupResult; readonly ttlSeconds: number };

export function createResolver(settings: ResolverSettings): NameResolver {
  const { servers, search, ndots } = readResolvConf(settings);
  const hosts = readHosts(settings.hostsFile);
  const cache = new Map<string, Entry>();
  const asked = new Map<string, Question>();

  function remember(key: string, answer: Answer, ttlMs: number): void {
    if (cache.size >= maxEntries) {
      const oldest = cache.keys().next().value;
      if (oldest !== undefined) cache.delete(oldest);
    }
    cache.set(key, { ...answer, expiresMs: Date.now() + ttlMs });
  }

  function ask(key: string, name: string, options: ResolveOptions): void {
    const startedMs = Date.now();
    lookUp(name, options, { servers, search, ndots }, (found) => {
      const { failure, addresses, result, ttlSeconds } = found;
      settings.observe(result, (Date.now() - startedMs) / 1000);
      const ttlMs = Math.min(Math.max(ttlSeconds * 1000, minTtlMs), maxTtlMs);
      if (failure === null) remember(key, { failure, addresses }, ttlMs);
      else if (failure === 'dns_error') remember(key, { failure, addresses }, negativeTtlMs);
      const waiting = asked.get(key)?.waiting ?? [];
      asked.delete(key);
      for (const done of waiting) done(failure, addresses);
    });
  }

  return {
    resolve(name, options, done) {
      const local = hosts.get(name) ?? (isLocalhost(name) ? loopback : undefined);
      if (local !== undefined) {
        done(
          null,
          local.filter((ip) => familyFits(ip, options.family)),
        );
        return;
      }
      const key = `${options.family} ${name}`;
      const known = cache.get(key);
      if (known !== undefined && known.expiresMs > Date.now()) {
        settings.observe('cached', null);
        done(known.failure, known.addresses);
        return;
      }
      cache.delete(key);
      const question = asked.get(key);
      if (question !== undefined) {
        question.waiting.push(done);
      } else if (asked.size >= maxOutstanding) {
        settings.observe('error', null);
        done('dns_error', []);
      } else {
        asked.set(key, { waiting: [done] });
        ask(key, name, options);
      }
    },
  };
}

type Servers = {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly ndots: number;
};

/** Asks for each name of the search list in turn, both families at a time, within one time-out. */
function lookUp(
  name: string,
  { family, timeoutMs }: ResolveOptions,
  { servers, search, ndots }: Servers,
  done: (found: Found) => void,
): void {
  const tries = Math.max(1, Math.min(2, Math.floor(timeoutMs / 1000)));
  const resolver = new Resolver({ timeout: Math.max(100, Math.floor(timeoutMs / tries)), tries });
  if (servers.length > 0) resolver.setServers(servers);
  const deadlineMs = Date.now() + timeoutMs;
  const candidates = candidateNames(name, search, ndots);
  let failed: LookupResult = 'not_found';

  const askNext = (at: number) => {
    const candidate = candidates[at];
    if (candidate === undefined) {
      done({ failure: 'dns_error', addresses: [], result: failed, ttlSeconds: 0 });
      return;
    }
    const left = { family, timeoutMs: deadlineMs - Date.now() };
    askBoth(resolver, candidate, left, ({ addresses, ttlSeconds, error }) => {
      if (addresses.length > 0) {
        done({ failure: null, addresses, result: 'ok', ttlSeconds });
      } else if (error === 'ETIMEOUT') {
        done({ failure: 'dns_timeout', addresses, result: 'timeout', ttlSeconds: 0 });
      } else {
        if (!isNotFound(error)) failed = 'error';
        askNext(at + 1);
      }
    });
  };
  askNext(0);
}

/** resolv.conf(5): a name with fewer than `ndots` dots is tried with the search list first. */
function candidateNames(name: string, search: readonly string[], ndots: number): readonly string[] {
  const searched = search.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}

/** What has come when both families have answered, or when it is time to go on without one. */
function askBoth(
  resolver: Resolver,
  name: string,
  { family, timeoutMs }: ResolveOptions,
  done: (answer: RecordAnswer) => void,
): void {
  const answers: RecordAnswer[] = [];
  const expected = family === 'Auto' ? 2 : 1;
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    resolver.cancel();
    done(merge(answers, expected));
  };
  let timer = setTimeout(end, timeoutMs);
  const collect = (
    error: NodeJS.ErrnoException | null,
    records: readonly { readonly address: string; readonly ttl: number }[] = [],
  ) => {
    if (ended) return;
    const addresses = records
      .map(({ address }) => parseIp(address))
      .filter((ip): ip is Ip => ip !== null);
    const ttlSeconds = Math.min(...records.map(({ ttl }) => ttl));
    answers.push({ addresses, ttlSeconds, error: error?.code ?? null });
    if (answers.length === expected) {
      end();
    } else if (addresses[0]?.family === 4) {
      // Some servers never answer when they are asked for IPv6.
      clearTimeout(timer);
      timer = setTimeout(end, Math.min(resolutionDelayMs, timeoutMs));
    }
  };
  if (family !== 'IPv4') resolver.resolve6(name, { ttl: true }, collect);
  if (family !== 'IPv6') resolver.resolve4(name, { ttl: true }, collect);
}

/** Families in turn, IPv6 first, as RFC 8305 §4 dials them. */
function merge(answers: readonly RecordAnswer[], expected: number): RecordAnswer {
  const all = answers.flatMap(({ addresses }) => addresses);
  const six = all.filter(({ family }) => family === 6);
  const four = all.filter(({ family }) => family === 4);
  const addresses: Ip[] = [];
  for (let at = 0; at < Math.max(six.length, four.length); at++) {
    addresses.push(...six.slice(at, at + 1), ...four.slice(at, at + 1));
  }
  const errors = answers.map(({ error }) => error).filter((error) => error !== null);
  const late = answers.length < expected || errors.includes('ETIMEOUT');
  return {
    addresses,
    // Half an answer is used, but not kept for long.
    ttlSeconds: late ? 0 : Math.min(...answers.map(({ ttlSeconds }) => ttlSeconds)),
    error: late ? 'ETIMEOUT' : (errors.find((error) => !isNotFound(error)) ?? errors[0] ?? null),
  };
}

/** The server knows the name is not there, or has no address; `null`: it answered with nothing. */
function isNotFound(error: string | null): boolean {
  return error === null || error === 'ENOTFOUND' || error === 'ENODATA';
}

function familyFits({ family }: Ip, wanted: AddressFamily): boolean {
  return wanted === 'Auto' || (wanted === 'IPv4') === (family === 4);
}

/** RFC 6761 §6.3: never asked of a server. */
function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}

const loopback = ['127.0.0.1', '::1'].map(parseIp).filter((ip): ip is Ip => ip !== null);

/** Read once: a hosts file that changes needs a restart, as for most programs. */
function readHosts(file: string): ReadonlyMap<string, readonly Ip[]> {
  const hosts = new Map<string, Ip[]>();
  for (const line of readLines(file)) {
    const [address = '', ...names] = line.split(/\s+/);
    const ip = parseIp(address);
    if (ip === null) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      hosts.set(key, [...(hosts.get(key) ?? []), ip]);
    }
  }
  return hosts;
}

function readResolvConf({ servers, resolvConf }: ResolverSettings): Servers {
  const search: string[] = [];
  const nameservers: string[] = [];
  let ndots = 1;
  for (const line of readLines(resolvConf)) {
    const [keyword, ...values] = line.split(/\s+/);
    if (keyword === 'nameserver') nameservers.push(...values.slice(0, 1));
    if (keyword === 'search' || keyword === 'domain') {
      search.splice(0, search.length, ...values.filter((value) => value !== '.').slice(0, 6));
    }
    const option = values.find((value) => value.startsWith('ndots:'));
    if (keyword === 'options' && option !== undefined) ndots = Number(option.slice(6)) || 0;
  }
  // With servers of its own the process also has no search list but theirs: none.
  if (servers.length > 0) return { servers, search: [], ndots: 1 };
  // One with a zone (fe80::1%eth0) only the library's own reading of the system's file keeps.
  const plain = nameservers.every((address) => parseIp(address) !== null);
  return { servers: plain ? nameservers.slice(0, 3) : [], search, ndots };
}

function readLines(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.replace(/[#;].*$/, '').trim())
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}
