import type { ErrorCode } from '../../contracts/errors.ts';
import { errorCodes } from '../../contracts/errors.ts';
import type { SocksVersion } from '../../contracts/kinds/forward-proxy/config.ts';
import { type Credentials, decodeUtf8 } from './basic-credentials.ts';
import { ipOfBytes, parseIp } from './ip-address.ts';
import { type Target, targetOf } from './target.ts';

/**
 * SOCKS4, 4a and 5 (RFC 1928, RFC 1929, the SOCKS4 and 4A memos) as bytes in, value out. Every
 * parser answers `null` while too few bytes have come, and says how many it `used` when it is done:
 * what follows belongs to the tunnel.
 */
export type Parsed<Value> = { readonly used: number } & Value;

/** No handshake message is longer: 4a with a user id and a name of 255 bytes each. */
export const maxMessageBytes = 9 + 255 + 1 + 255 + 1;

export type Greeting = Parsed<{ readonly methods: readonly number[] }>;

/** RFC 1928 §3. No method at all is malformed: `methods` is empty. */
export function parseGreeting(bytes: Uint8Array): Greeting | null {
  const [, count] = bytes;
  if (count === undefined || bytes.length < 2 + count) return null;
  return { used: 2 + count, methods: [...bytes.subarray(2, 2 + count)] };
}

export const methods = { none: 0, password: 2, unacceptable: 0xff } as const;

export function methodReply(method: number): Uint8Array {
  return Uint8Array.of(5, method);
}

/** RFC 1929 §2; `credentials` is `null` when malformed (wrong version, empty user, not UTF-8). */
export function parsePassword(
  bytes: Uint8Array,
): Parsed<{ readonly credentials: Credentials | null }> | null {
  const [version, userLength] = bytes;
  if (version === undefined) return null;
  if (version !== 1) return { used: bytes.length, credentials: null };
  if (userLength === undefined || bytes.length < 3 + userLength) return null;
  const passwordLength = bytes[2 + userLength] ?? 0;
  const end = 3 + userLength + passwordLength;
  if (bytes.length < end) return null;
  const user = decodeUtf8(bytes.subarray(2, 2 + userLength));
  const password = decodeUtf8(bytes.subarray(3 + userLength, end));
  const malformed = userLength === 0 || user === null || password === null;
  return { used: end, credentials: malformed ? null : { user, password } };
}

export function passwordReply(accepted: boolean): Uint8Array {
  return Uint8Array.of(1, accepted ? 0 : 1);
}

/** What a client asks for, or the code to refuse it with. */
export type SocksRequest = Parsed<{
  readonly version: SocksVersion;
  /** The SOCKS4 user id: told, never checked. */
  readonly userId: string | null;
  readonly target: Target | null;
  readonly problem: ErrorCode | null;
}>;

/** RFC 1928 §4. */
export function parseRequest5(bytes: Uint8Array): SocksRequest | null {
  const [version, command, , addressType, nameLength] = bytes;
  if (version === undefined) return null;
  if (version !== 5) return refused5(bytes.length, 'http_request_error');
  if (addressType === undefined) return null;
  const start = addressType === 3 ? 5 : 4;
  const length = addressLength(addressType, nameLength);
  if (length === undefined) return refused5(bytes.length, 'address_type_unsupported');
  if (length === null || bytes.length < start + length + 2) return null;

  const used = start + length + 2;
  if (command !== 1) return refused5(used, 'method_not_allowed');
  const address = bytes.subarray(start, start + length);
  const port = ((bytes[used - 2] ?? 0) << 8) | (bytes[used - 1] ?? 0);
  const target = addressType === 3 ? nameTarget(address, port) : ipTarget(address, port);
  return {
    used,
    version: 'SOCKS5',
    userId: null,
    target,
    problem: target === null ? 'http_request_error' : null,
  };
}

/** Bytes of the address; `null` until the length byte is there, `undefined` for an unknown type. */
function addressLength(
  addressType: number,
  nameLength: number | undefined,
): number | null | undefined {
  switch (addressType) {
    case 1:
      return 4;
    case 3:
      return nameLength ?? null;
    case 4:
      return 16;
    default:
      return undefined;
  }
}

function refused5(used: number, problem: ErrorCode): SocksRequest {
  return { used, version: 'SOCKS5', userId: null, target: null, problem };
}

/** SOCKS4, and 4a when the address is 0.0.0.x with x ≠ 0. */
export function parseRequest4(bytes: Uint8Array): SocksRequest | null {
  if (bytes.length < 9) return null;
  const named = bytes[4] === 0 && bytes[5] === 0 && bytes[6] === 0 && bytes[7] !== 0;
  const version = named ? 'SOCKS4a' : 'SOCKS4';
  const userEnd = endOfText(bytes, 8);
  const nameEnd = named && typeof userEnd === 'number' ? endOfText(bytes, userEnd + 1) : userEnd;
  if (userEnd === 'incomplete' || nameEnd === 'incomplete') return null;
  if (userEnd === 'too long' || nameEnd === 'too long') {
    return refused4(bytes.length, version, 'http_request_error');
  }

  const used = nameEnd + 1;
  if (bytes[1] !== 1) return refused4(used, version, 'method_not_allowed');
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  const target = named
    ? nameTarget(bytes.subarray(userEnd + 1, nameEnd), port)
    : ipTarget(bytes.subarray(4, 8), port);
  const userId = decodeUtf8(bytes.subarray(8, userEnd));
  const problem = target === null ? 'http_request_error' : null;
  return { used, version, userId: userId === '' ? null : userId, target, problem };
}

/** Where the NUL after a text of at most 255 bytes stands. */
function endOfText(bytes: Uint8Array, start: number): number | 'incomplete' | 'too long' {
  const end = bytes.indexOf(0, start);
  if (end < 0) return bytes.length > start + 255 ? 'too long' : 'incomplete';
  return end > start + 255 ? 'too long' : end;
}

function refused4(used: number, version: SocksVersion, problem: ErrorCode): SocksRequest {
  return { used, version, userId: null, target: null, problem };
}

function ipTarget(bytes: Uint8Array, port: number): Target | null {
  const ip = ipOfBytes(bytes);
  return port === 0 ? null : { host: ip.text, port, ip };
}

/** A name, or an address somebody wrote as a name: both in the one spelling rules are compared with. */
function nameTarget(bytes: Uint8Array, port: number): Target | null {
  const name = decodeUtf8(bytes);
  if (name === null || port === 0) return null;
  const ip = name.includes(':') ? parseIp(name) : null;
  return ip === null ? targetOf(name, port) : { host: ip.text, port, ip };
}

/** Ten bytes always: the bound address is not told (RFC 1928 §6). */
export function reply5(code: ErrorCode | null): Uint8Array {
  return Uint8Array.of(5, code === null ? 0 : errorCodes[code].socks5, 0, 1, 0, 0, 0, 0, 0, 0);
}

export function reply4(code: ErrorCode | null): Uint8Array {
  return Uint8Array.of(0, code === null ? 90 : errorCodes[code].socks4, 0, 0, 0, 0, 0, 0);
}
