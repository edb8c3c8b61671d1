import { copyCounts, copyGauges } from '../../support/copy-counts.ts';
import { startHeadgate } from '../../support/headgate-up.ts';
import { mirrorRoute, mirrorTo, ruleTo } from '../../support/mirror-route.ts';
import { headgateVersion } from '../peer.ts';
import { envoy } from './envoy.ts';
import { nginx } from './nginx.ts';
import type { RoutePeer } from './route-peer.ts';

const loopback = (port: number) => ({ authority: `127.0.0.1:${port}` });

const headgate: RoutePeer = {
  name: 'headgate',
  whyMissing: () => null,
  version: headgateVersion,
  async start(scope, { primary, mirror }) {
    const mirrors = mirror === null ? {} : { mirrors: [mirrorTo(loopback(mirror))] };
    const rules = [ruleTo(loopback(primary), mirrors)];
    const up = await startHeadgate(scope, {
      workers: 1,
      resources: ([port = 0]) =>
        mirrorRoute('bench', port, { rules, accessLog: { enabled: false } }),
    });
    const resource = { resource: 'test/bench' };
    return {
      port: up.port,
      pid: up.pid,
      copies: async () => ({
        ...(await copyCounts(up, resource)),
        ...(await copyGauges(up, resource)),
      }),
    };
  },
};

export const peers: readonly RoutePeer[] = [headgate, nginx, envoy];
