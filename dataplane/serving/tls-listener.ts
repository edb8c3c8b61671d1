import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext, type TLSSocket } from 'node:tls';

/** A chain, leaf first, and the key of the leaf; both PEM. */
export type Certificate = { readonly certificate: string; readonly key: string };

export type TlsTerms = {
  /** Never empty. The first is for clients that name no host, or one that none is for. */
  readonly certificates: readonly Certificate[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
};

/** Speaks TLS with the clients of one listener. */
export type TlsListener = {
  readonly terms: TlsTerms;
  /** With the first certificate that is for this host. */
  contextFor(host: string): SecureContext | undefined;
  /**
   * Agrees on TLS over a socket, whatever of it was read having been put back. `done` is called once
   * if that succeeds; if not, the socket is destroyed.
   */
  secure(socket: Socket, done: (secured: TLSSocket) => void): void;
};

/** In the order we prefer them (RFC 7301): who offers none of them is told so by an alert, who offers nothing speaks HTTP/1. */
const protocols = ['h2', 'http/1.1', 'http/1.0'];

/**
 * Throws on certificates that cannot be used: see {@link findUnusable}. `elsewhere`
 * is asked for hosts that none of them is for.
 */
export function createTlsListener(
  terms: TlsTerms,
  elsewhere: (host: string) => SecureContext | undefined = () => undefined,
): TlsListener {
  const { certificates, minVersion } = terms;
  const known = certificates.map(({ certificate, key }) => ({
    certificate: new X509Certificate(certificate),
    context: createSecureContext({ cert: certificate, key, minVersion }),
  }));
  const waiting = new Map<string, (secured: TLSSocket) => void>();

  function contextFor(host: string): SecureContext | undefined {
    return known.find(({ certificate }) => certificate.checkHost(host) !== undefined)?.context;
  }

  const [first] = certificates;
  // It never listens: connections are handed to it. The sweep has the time-out.
  const server = createServer({
    cert: first?.certificate,
    key: first?.key,
    minVersion,
    ALPNProtocols: protocols,
    SNICallback: (host, done) => done(null, contextFor(host) ?? elsewhere(host)),
  });
  server.on('secureConnection', (secured) => {
    const done = waiting.get(peersOf(secured));
    waiting.delete(peersOf(secured));
    if (done === undefined) secured.destroy();
    else done(secured);
  });

  return {
    terms,
    contextFor,
    secure(socket, done) {
      const peers = peersOf(socket);
      waiting.set(peers, done);
      socket.once('close', () => {
        if (waiting.get(peers) === done) waiting.delete(peers);
      });
      server.emit('connection', socket);
    },
  };
}

/** Which of these cannot be used here, whatever the operator's OpenSSL thought of it; `null`: all can. */
export function findUnusable(certificates: Readonly<Record<string, Certificate>>): string | null {
  for (const [secret, { certificate: cert, key }] of Object.entries(certificates)) {
    try {
      createSecureContext({ cert, key });
    } catch {
      return `the certificate in secret ${secret} cannot be used for TLS in this pod`;
    }
  }
  return null;
}

/** What tells connections apart: Node hands out another socket than it took. */
function peersOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
