import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forwardProxy } from '../../support/forward-proxy.ts';
import { startHeadgate } from '../../support/headgate-up.ts';
import type { Scope } from '../../support/teardowns.ts';
import { type HttpSocket, openHttpSocket } from '../http-socket.ts';

/**
 * Milliseconds from saving a file to the first request that is answered by the new rules. Every other
 * edit forbids what the one before allowed; one client asks all the time over a kept connection.
 */
export async function measureReload(
  scope: Scope,
  originPort: number,
  edits: number,
): Promise<number[]> {
  const withRule = (port: number, action: string) => {
    const rules = [{ name: 'edited', action, ports: [originPort] }];
    const addressPolicy = { allowCIDRs: ['127.0.0.0/8'] };
    const accessLog = { enabled: false };
    return forwardProxy({ port, spec: { egress: { rules, addressPolicy }, accessLog } });
  };
  const up = await startHeadgate(scope, { resources: ([port = 0]) => withRule(port, 'Allow') });
  const authority = `127.0.0.1:${originPort}`;
  const request = Buffer.from(`GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const fresh = join(up.home, 'fresh.yaml');
  let socket: HttpSocket = await openHttpSocket(up.port);
  const status = async () => {
    if (socket.isOver) socket = await openHttpSocket(up.port);
    return await socket.ask(request);
  };

  const latenciesMs: number[] = [];
  for (let edit = 0; edit < edits; edit += 1) {
    const denies = edit % 2 === 0;
    await writeFile(fresh, withRule(up.port, denies ? 'Deny' : 'Allow'));
    const savedMs = performance.now();
    await rename(fresh, join(up.directory, 'resources.yaml'));
    while ((await status()) !== (denies ? 403 : 200)) {
      if (performance.now() - savedMs > 30_000) throw new Error(`edit ${edit} was never in force`);
    }
    latenciesMs.push(performance.now() - savedMs);
  }
  socket.destroy();
  return latenciesMs.toSorted((a, b) => a - b);
}
