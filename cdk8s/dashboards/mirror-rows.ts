import type { Row } from './panel.ts';
import { max, min, quantile, rate, sum } from './query.ts';

const resource = '~$resource';
const ofMirrors = ['resource', 'rule', 'mirror'] as const;
const mirrorLegend = '{{resource}} {{rule}}/{{mirror}}';

const route: Row = {
  title: 'MirrorRoute',
  panels: [
    {
      title: 'Answers',
      description: 'By HTTP status; copies are not in it.',
      unit: 'reqps',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_mirror_route_requests_total', ['type', 'code'], { resource }),
          legend: '{{type}} {{code}}',
        },
      ],
    },
    {
      title: 'Requests by rule',
      description: '`none`: no rule matched.',
      unit: 'reqps',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_mirror_route_requests_total', ['resource', 'rule'], { resource }),
          legend: '{{resource}} {{rule}}',
        },
      ],
    },
    {
      title: 'How long answers take',
      description:
        'To the last byte; upgrades: until established. What mirrors do must not show here.',
      unit: 's',
      queries: [0.5, 0.99].map((share) => ({
        query: quantile(share, 'headgate_mirror_route_request_duration_seconds', ['type'], {
          resource,
        }),
        legend: `{{type}} p${share * 100}`,
      })),
    },
    {
      title: 'Refused on purpose',
      description: 'client_cidr, no_rule, address, limit, loop, invalid.',
      unit: 'reqps',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_mirror_route_denied_total', ['reason'], { resource }),
          legend: '{{reason}}',
        },
      ],
    },
    {
      title: 'Failures of backends',
      description: 'By RFC 9209 error type: see docs/errors.md.',
      unit: 'reqps',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_mirror_route_upstream_errors_total', ['error_type'], { resource }),
          legend: '{{error_type}}',
        },
      ],
    },
    {
      title: 'Bytes of routes',
      description: 'Received from and sent to clients; copies are not in it.',
      unit: 'Bps',
      queries: [
        {
          query: rate('headgate_mirror_route_bytes_total', ['direction'], { resource }),
          legend: '{{direction}}',
        },
      ],
    },
    {
      title: 'Connections of clients',
      description: 'Open now, and accepted per second by the protocol of their first byte.',
      unit: 'short',
      queries: [
        { query: sum('headgate_mirror_route_connections', [], { resource }), legend: 'open' },
        {
          query: rate('headgate_mirror_route_connections_total', ['protocol'], { resource }),
          legend: 'accepted: {{protocol}}',
        },
      ],
    },
    {
      title: 'Certificates expire in',
      description: 'Those that clients are shown, by the Secret they are from.',
      unit: 's',
      queries: [
        {
          query: `${min('headgate_certificate_expiration_timestamp_seconds', ['resource', 'secret'], { resource })} - time()`,
          legend: '{{resource}} {{secret}}',
        },
      ],
    },
    {
      title: 'Upgraded connections',
      description: 'Ended, by reason, and how long half of them lived.',
      unit: 'short',
      queries: [
        {
          query: rate('headgate_mirror_route_upgrades_ended_total', ['reason'], { resource }),
          legend: '{{reason}}',
        },
        {
          query: quantile(0.5, 'headgate_mirror_route_upgrade_duration_seconds', [], { resource }),
          legend: 'seconds, p50',
        },
      ],
    },
  ],
};

const mirrors: Row = {
  title: 'Mirrors',
  panels: [
    {
      title: 'Copies sent',
      description: 'By what came of them: answered, or an error code.',
      unit: 'reqps',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_mirror_copies_total', [...ofMirrors, 'outcome'], { resource }),
          legend: `${mirrorLegend} {{outcome}}`,
        },
      ],
    },
    {
      title: 'Copies not sent',
      description: 'By reason: docs/metrics.md says what each means.',
      unit: 'reqps',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_mirror_skipped_total', [...ofMirrors, 'reason'], { resource }),
          legend: `${mirrorLegend} {{reason}}`,
        },
      ],
    },
    {
      title: 'How long mirrors take',
      description: 'Nobody waits for it; slow mirrors fill their limits and lose copies.',
      unit: 's',
      queries: [0.5, 0.99].map((share) => ({
        query: quantile(share, 'headgate_mirror_duration_seconds', ofMirrors, { resource }),
        legend: `${mirrorLegend} p${share * 100}`,
      })),
    },
    {
      title: 'Copies under way and waiting',
      description: 'Up to limits.concurrent and limits.queue of the mirror, in each pod.',
      unit: 'short',
      queries: [
        {
          query: sum('headgate_mirror_inflight', ofMirrors, { resource }),
          legend: `${mirrorLegend} under way`,
        },
        {
          query: sum('headgate_mirror_queued', ofMirrors, { resource }),
          legend: `${mirrorLegend} waiting`,
        },
      ],
    },
    {
      title: 'Bodies held for copies',
      description: 'Up to limits.bufferedBytes of the mirror, in each pod.',
      unit: 'bytes',
      queries: [
        {
          query: sum('headgate_mirror_buffered_bytes', ofMirrors, { resource }),
          legend: mirrorLegend,
        },
      ],
    },
    {
      title: 'Circuit breakers',
      description: '1: open in some pod, so no copies are sent from there.',
      unit: 'short',
      queries: [
        {
          query: max('headgate_mirror_breaker_open', ofMirrors, { resource }),
          legend: mirrorLegend,
        },
      ],
    },
    {
      title: 'Answers compared',
      description: 'With those of the primary, where `compare` is on.',
      unit: 'reqps',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_mirror_compared_total', [...ofMirrors, 'result'], { resource }),
          legend: `${mirrorLegend} {{result}}`,
        },
      ],
    },
  ],
};

export const mirrorRows: readonly Row[] = [route, mirrors];
