import { createHash } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureVersion,
  type TLSSocket,
} from 'node:tls';
import { ProxyError } from '../../contracts/errors.ts';
import { codeOf } from './dial.ts';
import { tlsCodeOf } from './tls-failure.ts';

/** Whom a certificate must be for, and who may have signed it. */
export type TlsTerms = {
  /** A name or an address. */
  readonly hostname: string;
  readonly minVersion: SecureVersion;
  /** PEM; empty: nobody is trusted. `null`: the public authorities that Node.js knows. */
  readonly caCertificates: readonly string[] | null;
  /** What is to be spoken; who takes part in no negotiation speaks HTTP/1.1 (RFC 7301). */
  readonly alpn: 'http/1.1' | 'h2';
};

/** TLS to an upstream, on connections that are there already. */
export type UpstreamTls = {
  /** Another one where the terms are others: what was trusted under them is not under these. */
  readonly key: string;
  /** Calls back once. A socket that fails is destroyed; one that succeeds has no listeners of ours. */
  handshake(socket: Socket, where: string, done: Secured): void;
};

export type Secured = (failure: ProxyError | null, socket: TLSSocket | null) => void;

const ignore = (): void => undefined;

/** Certificates are always checked: there is nothing that could switch it off, the environment included. */
export function createUpstreamTls(terms: TlsTerms): UpstreamTls {
  const { hostname, minVersion, caCertificates, alpn } = terms;
  const secureContext = createSecureContext({
    minVersion,
    ...(caCertificates === null ? {} : { ca: [...caCertificates] }),
  });
  const sni = isIP(hostname) === 0 ? { servername: hostname } : {}; // RFC 6066 §3: never an address
  return {
    key: createHash('sha256').update(JSON.stringify(terms)).digest('base64'),
    handshake(socket, where, done) {
      socket.on('error', ignore); // from here on they are those of the socket around it
      const secure = connect({
        ...sni,
        socket,
        secureContext,
        rejectUnauthorized: true,
        // Node would look for a name elsewhere where none is asked for.
        checkServerIdentity: (_asked, certificate) => checkServerIdentity(hostname, certificate),
        ALPNProtocols: [alpn],
      });
      const failed = (cause: NodeJS.ErrnoException) => {
        const { code, problem } = describe(cause, secure, hostname);
        done(new ProxyError(`${problem} (${where})`, { code, cause }), null);
      };
      secure.once('error', failed);
      secure.once('secureConnect', () => {
        secure.removeListener('error', failed);
        done(null, secure);
      });
    },
  };
}

function describe(cause: NodeJS.ErrnoException, { authorizationError }: TLSSocket, host: string) {
  const { code = '' } = cause;
  // The types say Error, Node says a code.
  if (authorizationError) {
    const problem = certificateProblems.get(code) ?? `is not accepted: ${code}`;
    const what = code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? `is not for ${host}` : problem;
    return { code: 'tls_certificate_error', problem: `the certificate ${what}` } as const;
  }
  const problem = 'the TLS handshake failed';
  return { code: tlsCodeOf(cause) ?? codeOf(cause), problem };
}

const unknownSigner = 'is signed by nobody who is trusted (caCertificateRefs)';

const certificateProblems: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', 'has expired, or that of who signed it'],
  ['CERT_NOT_YET_VALID', 'is not valid yet, or that of who signed it'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', unknownSigner],
  ['SELF_SIGNED_CERT_IN_CHAIN', unknownSigner],
  ['UNABLE_TO_GET_ISSUER_CERT', unknownSigner],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', unknownSigner],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', unknownSigner],
]);
