const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const tunnelSeconds = [0.1, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400];

/** What a pod of the data plane shows. */
export const podMetrics = {
  headgate_forward_proxy_connections_total: {
    type: 'counter',
    help: 'Client connections accepted, by the protocol of their first byte (unknown: none was sent).',
    labels: ['resource', 'listener', 'protocol'],
  },
  headgate_forward_proxy_connections: {
    type: 'gauge',
    help: 'Client connections open now.',
    labels: ['resource'],
  },
  headgate_forward_proxy_requests_total: {
    type: 'counter',
    help: 'Requests answered: type is plain, upgrade, connect, socks4 or socks5; code is the HTTP status or SOCKS reply.',
    labels: ['resource', 'type', 'code', 'rule'],
  },
  headgate_forward_proxy_request_duration_seconds: {
    type: 'histogram',
    help: 'Plain requests: from the head to the last byte of the answer. Tunnels: until established.',
    labels: ['resource', 'type'],
    buckets: requestSeconds,
  },
  headgate_forward_proxy_tunnel_duration_seconds: {
    type: 'histogram',
    help: 'How long tunnels lived.',
    labels: ['resource'],
    buckets: tunnelSeconds,
  },
  headgate_forward_proxy_tunnels_ended_total: {
    type: 'counter',
    help: 'Tunnels ended, by reason.',
    labels: ['resource', 'reason'],
  },
  headgate_tunnels: {
    type: 'gauge',
    help: 'Tunnels open now, by the relay that copies them.',
    labels: ['resource', 'relay'],
  },
  headgate_forward_proxy_bytes_total: {
    type: 'counter',
    help: 'Bytes relayed, tunnels and bodies; received from or sent to the client.',
    labels: ['resource', 'direction'],
  },
  headgate_forward_proxy_denied_total: {
    type: 'counter',
    help: 'Refused on purpose: client_cidr, auth, rule, address, port, limit, loop, invalid.',
    labels: ['resource', 'reason'],
  },
  headgate_forward_proxy_would_deny_total: {
    type: 'counter',
    help: 'Let through by a rule or default action that only reports.',
    labels: ['resource', 'rule'],
  },
  headgate_forward_proxy_upstream_errors_total: {
    type: 'counter',
    help: 'Failures of the upstream side, by RFC 9209 error type.',
    labels: ['resource', 'error_type'],
  },
  headgate_forward_proxy_requests_by_client_total: {
    type: 'counter',
    help: 'Requests by client, where spec.metrics.clientLabel is on; past its max in __other__.',
    labels: ['resource', 'client'],
  },
  headgate_forward_proxy_requests_by_host_total: {
    type: 'counter',
    help: 'Requests by destination host, where spec.metrics.hostLabel is on; past its max in __other__.',
    labels: ['resource', 'host'],
  },
  headgate_mirror_route_connections_total: {
    type: 'counter',
    help: 'Client connections accepted, by what they speak: http, http2, unknown (or nothing was sent), tls_failed.',
    labels: ['resource', 'listener', 'protocol'],
  },
  headgate_mirror_route_connections: {
    type: 'gauge',
    help: 'Client connections open now. Those of a shared listener are counted for the route that owns it.',
    labels: ['resource'],
  },
  headgate_mirror_route_requests_total: {
    type: 'counter',
    help: 'Requests answered: type is plain or upgrade; code is the HTTP status; rule is `none` where no rule matched.',
    labels: ['resource', 'type', 'code', 'rule'],
  },
  headgate_mirror_route_request_duration_seconds: {
    type: 'histogram',
    help: 'From the head of a request to the last byte of its answer; upgrades: until established.',
    labels: ['resource', 'type'],
    buckets: requestSeconds,
  },
  headgate_mirror_route_upgrade_duration_seconds: {
    type: 'histogram',
    help: 'How long connections that switched protocols lived.',
    labels: ['resource'],
    buckets: tunnelSeconds,
  },
  headgate_mirror_route_upgrades_ended_total: {
    type: 'counter',
    help: 'Connections that had switched protocols and ended, by reason.',
    labels: ['resource', 'reason'],
  },
  headgate_mirror_route_bytes_total: {
    type: 'counter',
    help: 'Bytes of bodies and upgraded connections; received from or sent to the client. Copies are not in it.',
    labels: ['resource', 'direction'],
  },
  headgate_mirror_route_denied_total: {
    type: 'counter',
    help: 'Refused on purpose: client_cidr, no_rule, address, limit, loop, invalid.',
    labels: ['resource', 'reason'],
  },
  headgate_mirror_route_upstream_errors_total: {
    type: 'counter',
    help: 'Failures of backends, by RFC 9209 error type.',
    labels: ['resource', 'error_type'],
  },
  headgate_mirror_copies_total: {
    type: 'counter',
    help: 'Copies that were sent, by what came of them: answered, or an error code.',
    labels: ['resource', 'rule', 'mirror', 'outcome'],
  },
  headgate_mirror_skipped_total: {
    type: 'counter',
    help: 'Requests of which no copy was sent, by reason; see docs/metrics.md for the reasons.',
    labels: ['resource', 'rule', 'mirror', 'reason'],
  },
  headgate_mirror_duration_seconds: {
    type: 'histogram',
    help: 'From sending a copy to the last byte of its answer.',
    labels: ['resource', 'rule', 'mirror'],
    buckets: requestSeconds,
  },
  headgate_mirror_inflight: {
    type: 'gauge',
    help: 'Copies under way.',
    labels: ['resource', 'rule', 'mirror'],
  },
  headgate_mirror_queued: {
    type: 'gauge',
    help: 'Copies that wait for others to end.',
    labels: ['resource', 'rule', 'mirror'],
  },
  headgate_mirror_buffered_bytes: {
    type: 'gauge',
    help: 'Bytes of bodies held for copies, and of answers that are compared as JSON.',
    labels: ['resource', 'rule', 'mirror'],
  },
  headgate_mirror_breaker_open: {
    type: 'gauge',
    help: '1 while the circuit breaker keeps copies from being sent.',
    labels: ['resource', 'rule', 'mirror'],
  },
  headgate_mirror_compared_total: {
    type: 'counter',
    help: 'Answers of a mirror by what came of comparing them with the primary, where `compare` is on: match, status_differs and so on.',
    labels: ['resource', 'rule', 'mirror', 'result'],
  },
  headgate_config_version: {
    type: 'gauge',
    help: 'Sequence of the configuration in force in this pod.',
    labels: ['kind', 'resource'],
  },
  headgate_certificate_expiration_timestamp_seconds: {
    type: 'gauge',
    help: 'When a certificate that clients are shown expires, in seconds since 1970. `secret` is namespace/name.',
    labels: ['resource', 'secret'],
  },
  headgate_dns_lookups_total: {
    type: 'counter',
    help: 'Names looked up: cached, ok, not_found, timeout, error.',
    labels: ['result'],
  },
  headgate_dns_lookup_duration_seconds: {
    type: 'histogram',
    help: 'How long lookups that went to a server took.',
    labels: [],
    buckets: requestSeconds,
  },
  headgate_password_checks_total: {
    type: 'counter',
    help: 'Password checks: ok, wrong, cached, rate_limited, overloaded.',
    labels: ['result'],
  },
  headgate_access_log_dropped_total: {
    type: 'counter',
    help: 'Access-log lines lost because their reader was too slow.',
    labels: [],
  },
  headgate_worker_restarts_total: {
    type: 'counter',
    help: 'Serving threads that died and were started again.',
    labels: [],
  },
  headgate_applied_sequence: {
    type: 'gauge',
    help: 'Last event of the log in force in this pod.',
    labels: ['pool'],
  },
  headgate_drain_remaining: {
    type: 'gauge',
    help: 'Connections still open of resources and listeners that are being drained.',
    labels: [],
  },
} as const;
