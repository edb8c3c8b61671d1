import type { Panel, Row } from './panel.ts';
import {
  max,
  ofProcesses,
  type ProcessMetric,
  processMetric,
  quantile,
  rate,
  series,
  sum,
} from './query.ts';

const resource = '~$resource';

export const trafficRow: Row = {
  title: 'ForwardProxy',
  panels: [
    {
      title: 'Requests',
      description: 'Plain requests and tunnels, by HTTP status or SOCKS reply.',
      unit: 'reqps',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_forward_proxy_requests_total', ['type', 'code'], { resource }),
          legend: '{{type}} {{code}}',
        },
      ],
    },
    {
      title: 'Requests by resource',
      description: 'Who is busy.',
      unit: 'reqps',
      queries: [
        {
          query: rate('headgate_forward_proxy_requests_total', ['resource'], { resource }),
          legend: '{{resource}}',
        },
      ],
    },
    {
      title: 'How long requests take',
      description: 'Plain requests: to the last byte of the answer. Tunnels: until established.',
      unit: 's',
      queries: [0.5, 0.99].map((share) => ({
        query: quantile(share, 'headgate_forward_proxy_request_duration_seconds', ['type'], {
          resource,
        }),
        legend: `{{type}} p${share * 100}`,
      })),
    },
    {
      title: 'Refused on purpose',
      description: 'client_cidr, auth, rule, address, port, limit, loop, invalid.',
      unit: 'reqps',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_forward_proxy_denied_total', ['reason'], { resource }),
          legend: '{{reason}}',
        },
        {
          query: rate('headgate_forward_proxy_would_deny_total', ['rule'], { resource }),
          legend: 'only reported: {{rule}}',
        },
      ],
    },
    {
      title: 'Failures of origins',
      description: 'By RFC 9209 error type: docs/errors.md says what each means.',
      unit: 'reqps',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_forward_proxy_upstream_errors_total', ['error_type'], { resource }),
          legend: '{{error_type}}',
        },
      ],
    },
    {
      title: 'Bytes',
      description: 'Tunnels and bodies; received from and sent to clients.',
      unit: 'Bps',
      queries: [
        {
          query: rate('headgate_forward_proxy_bytes_total', ['direction'], { resource }),
          legend: '{{direction}}',
        },
      ],
    },
    {
      title: 'Connections and tunnels open',
      description: 'Connections of clients, and the tunnels among them by their relay.',
      unit: 'short',
      queries: [
        {
          query: sum('headgate_forward_proxy_connections', [], { resource }),
          legend: 'connections',
        },
        { query: sum('headgate_tunnels', ['relay'], { resource }), legend: 'tunnels: {{relay}}' },
      ],
    },
    {
      title: 'Connections accepted',
      description: 'By the protocol of their first byte.',
      unit: 'cps',
      queries: [
        {
          query: rate('headgate_forward_proxy_connections_total', ['protocol'], { resource }),
          legend: '{{protocol}}',
        },
      ],
    },
    {
      title: 'Tunnels ended',
      description: 'done: both sides had finished. Others: docs/errors.md.',
      unit: 'ops',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_forward_proxy_tunnels_ended_total', ['reason'], { resource }),
          legend: '{{reason}}',
        },
      ],
    },
    {
      title: 'How long tunnels live',
      description: 'Of those that ended.',
      unit: 's',
      queries: [0.5, 0.99].map((share) => ({
        query: quantile(share, 'headgate_forward_proxy_tunnel_duration_seconds', [], { resource }),
        legend: `p${share * 100}`,
      })),
    },
    topTen('hosts', rate('headgate_forward_proxy_requests_by_host_total', ['host'], { resource })),
    topTen(
      'clients',
      rate('headgate_forward_proxy_requests_by_client_total', ['client'], { resource }),
    ),
    {
      title: 'Names looked up',
      description: 'By what came of it.',
      unit: 'ops',
      queries: [{ query: rate('headgate_dns_lookups_total', ['result']), legend: '{{result}}' }],
    },
    {
      title: 'How long name servers take',
      description: 'Of look-ups that were not answered from memory.',
      unit: 's',
      queries: [0.5, 0.99].map((share) => ({
        query: quantile(share, 'headgate_dns_lookup_duration_seconds', []),
        legend: `p${share * 100}`,
      })),
    },
    {
      title: 'Passwords checked',
      description: 'wrong and rate_limited: somebody guesses, or a client has an old password.',
      unit: 'ops',
      queries: [
        { query: rate('headgate_password_checks_total', ['result']), legend: '{{result}}' },
      ],
    },
  ],
};

function topTen(what: 'hosts' | 'clients', query: string): Panel {
  const field = what === 'hosts' ? 'hostLabel' : 'clientLabel';
  return {
    title: `Busiest ${what}`,
    description: `Only of resources with spec.metrics.${field}; past its max they are __other__.`,
    unit: 'reqps',
    queries: [{ query: `topk(10, ${query})`, legend: `{{${what.slice(0, -1)}}}` }],
  };
}

const ourPods = series('headgate_applied_sequence', { pool: '~$pool' });
const operators = series('headgate_leader');

export const processesRow: Row = {
  title: 'Pods and operators',
  panels: [
    ofEach('CPU', 'Cores in use.', 'short', 'process_cpu_seconds_total'),
    ofEach('Memory', 'Resident.', 'bytes', 'process_resident_memory_bytes'),
    ofEach(
      'Event loop, p99',
      'Of the main thread, which serves no traffic. Above 0.1 s it lacks CPU.',
      's',
      'nodejs_eventloop_lag_p99_seconds',
    ),
    {
      title: 'Descriptors in use',
      description: 'Of those the process may open; two for each tunnel.',
      unit: 'percentunit',
      queries: [
        {
          query: ofProcesses(
            `${processMetric('process_open_fds')} / ${processMetric('process_max_fds')}`,
            ourPods,
          ),
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: 'Draining',
      description: 'Connections still open of what is being drained.',
      unit: 'short',
      queries: [{ query: max('headgate_drain_remaining', ['instance']), legend: '{{instance}}' }],
    },
    {
      title: 'What should not happen',
      description: 'Threads that died; lines lost because their reader was too slow.',
      unit: 'ops',
      queries: [
        {
          query: rate('headgate_worker_restarts_total', ['instance']),
          legend: '{{instance}} threads restarted',
        },
        {
          query: rate('headgate_access_log_dropped_total', ['instance']),
          legend: '{{instance}} access-log lines lost',
        },
        {
          query: rate('headgate_log_dropped_total', ['instance']),
          legend: '{{instance}} log lines lost',
        },
      ],
    },
  ],
};

/** One line per pod and operator. */
function ofEach(title: string, description: string, unit: string, name: ProcessMetric): Panel {
  const query = processMetric(name);
  return {
    title,
    description,
    unit,
    queries: [
      { query: ofProcesses(query, ourPods), legend: '{{instance}}' },
      { query: ofProcesses(query, operators), legend: '{{instance}} (operator)' },
    ],
  };
}
