import { startDnsServer } from './dns-server.ts';
import { basicAuthentication, forwardProxy, usersSecret } from './forward-proxy.ts';
import { type HeadgateUp, startHeadgate } from './headgate-up.ts';
import { type Origin, startOrigin } from './origin.ts';
import type { Scope } from './teardowns.ts';
import { type Certificates, makeCertificates } from './tls.ts';

/** What every client test needs; `origin.test` is a name that only the proxy can resolve. */
export type ClientWorld = {
  readonly up: HeadgateUp;
  /** `127.0.0.1:PORT` of a proxy for everyone. */
  readonly open: string;
  readonly openPort: number;
  /** `127.0.0.1:PORT` of one that knows alice, with the password wonderland. */
  readonly closed: string;
  readonly closedPort: number;
  readonly plain: Origin;
  readonly secure: Origin;
  readonly certificates: Certificates;
};

export async function startClientWorld(scope: Scope): Promise<ClientWorld> {
  const certificates = await makeCertificates(scope, ['origin.test']);
  const dns = await startDnsServer(scope);
  dns.set('origin.test', { A: ['127.0.0.1'] });
  const authentication = basicAuthentication;
  const [up, plain, secure] = await Promise.all([
    startHeadgate(scope, {
      ports: 2,
      args: ['--dns-server', dns.address],
      resources: ([open = 0, closed = 0]) =>
        forwardProxy({ name: 'open', port: open }) +
        forwardProxy({ name: 'closed', port: closed, spec: { authentication } }) +
        usersSecret({ alice: 'wonderland' }),
    }),
    startOrigin(scope),
    startOrigin(scope, { tls: certificates }),
  ]);
  const [openPort = 0, closedPort = 0] = up.ports;
  const [open, closed] = [`127.0.0.1:${openPort}`, `127.0.0.1:${closedPort}`];
  return { up, open, openPort, closed, closedPort, plain, secure, certificates };
}
