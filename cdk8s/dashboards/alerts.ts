import {
  increase,
  max,
  min,
  ofProcesses,
  processMetric,
  type Query,
  quantile,
  rate,
  series,
  sum,
} from './query.ts';
import { eventsBehind, shareOfLog } from './shared-queries.ts';

/** A condition that somebody should hear of; docs/monitoring.md has a section with its name. */
export type Alert = {
  /** What is measured; always there while Headgate is scraped, unless it is its absence that is measured. */
  readonly query: Query;
  /** When it is too much or too little. */
  readonly is: string;
  /** For so long. */
  readonly for: string;
  /** critical: somebody gets up. warning: within the day. info: for the owner of the resource. */
  readonly severity: 'critical' | 'warning' | 'info';
  readonly summary: string;
  readonly description: string;
};

/** Of what only the operator that leads can tell. */
const ofLeader = (query: Query) => ofProcesses(query, `(${series('headgate_leader')} == 1)`);

const operatorAlerts = {
  HeadgateOperatorDown: {
    query: `absent(${series('headgate_leader')})`,
    is: '== 1',
    for: '5m',
    severity: 'critical',
    summary: 'No operator of Headgate is seen.',
    description: 'Nothing is decided and no status is written. Pods serve on as they are.',
  },
  HeadgateNoLeader: {
    query: sum('headgate_leader', ['namespace']),
    is: '< 1',
    for: '2m',
    severity: 'critical',
    summary: 'Operators of Headgate run, but none leads.',
    description: 'Changes are not taken until one of them can lead. Pods serve on as they are.',
  },
  HeadgateTwoLeaders: {
    query: sum('headgate_leader', ['namespace']),
    is: '> 1',
    for: '1m',
    severity: 'warning',
    summary: '{{ $value }} operators say that they lead.',
    description:
      'The log takes events of the newest leader only, so nothing is written twice. An old one that goes on is stuck.',
  },
  HeadgateResourcesRefused: {
    query: max('headgate_resources', ['namespace', 'kind'], { state: 'refused' }),
    is: '> 0',
    for: '10m',
    severity: 'info',
    summary: '{{ $value }} {{ $labels.kind }} resources are refused as they are written now.',
    description: 'Their last good version is served, if they had one. Their conditions say why.',
  },
  HeadgateResourcesPending: {
    query: max('headgate_resources', ['namespace', 'kind'], { state: 'pending' }),
    is: '> 0',
    for: '5m',
    severity: 'warning',
    summary: '{{ $value }} {{ $labels.kind }} resources wait to be served.',
    description: 'They were accepted, but no pod, or not every pod, serves them yet.',
  },
  HeadgateResourcesDegraded: {
    query: max('headgate_resources', ['namespace', 'kind'], { state: 'degraded' }),
    is: '> 0',
    for: '5m',
    severity: 'warning',
    summary: '{{ $value }} {{ $labels.kind }} resources are not served everywhere as accepted.',
    description: 'A pod refuses them, is behind, or is silent. Their conditions name the pods.',
  },
  HeadgateReconcileFailing: {
    query: increase('headgate_reconcile_failures_total', ['namespace', 'reason'], '10m'),
    is: '> 5',
    for: '5m',
    severity: 'warning',
    summary: 'Looking at resources fails again and again: {{ $labels.reason }}.',
    description:
      'What failed is tried again every 10 s at most; the changes in it are not in force.',
  },
  HeadgateQueueBacklog: {
    query: `min_over_time(${series('headgate_queue_depth')}[10m])`,
    is: '> 10',
    for: '5m',
    severity: 'warning',
    summary: 'Never less than {{ $value }} resources waited to be looked at.',
    description: 'Changes come faster than they can be recorded, or one of them takes very long.',
  },
  HeadgateWatchIncomplete: {
    query: ofLeader(min('headgate_watch_complete', ['namespace', 'instance', 'kind'])),
    is: '< 1',
    for: '5m',
    severity: 'warning',
    summary: '{{ $labels.kind }} objects cannot be listed.',
    description: 'Edits of them are not seen. Nothing is removed meanwhile.',
  },
  HeadgateApiRequestsFailing: {
    query: `${rate('headgate_api_requests_total', ['namespace'], { code: '~0|401|403|429|5..' }, '10m')} / (${rate('headgate_api_requests_total', ['namespace'], {}, '10m')} > 0)`,
    is: '> 0.1',
    for: '10m',
    severity: 'warning',
    summary: '{{ $value | humanizePercentage }} of the requests to the Kubernetes API fail.',
    description: 'Status, Services and pools are behind; what is in the log is served.',
  },
} as const satisfies Record<string, Alert>;

const logAlerts = {
  HeadgateLogUnreachable: {
    query: max('headgate_event_log_unreachable', ['namespace']),
    is: '> 0',
    for: '2m',
    severity: 'critical',
    summary: 'The operator cannot reach the event log.',
    description: 'Changes wait, new pods cannot start. Pods that run serve on as they are.',
  },
  HeadgateLogNearlyFull: {
    query: `max by (namespace) (${shareOfLog()})`,
    is: '> 0.8',
    for: '10m',
    severity: 'warning',
    summary: 'The event log is {{ $value | humanizePercentage }} full.',
    description: 'When it is full no change is taken any more.',
  },
  HeadgateLogFull: {
    query: increase('headgate_event_log_appends_total', ['namespace'], '10m', { outcome: 'full' }),
    is: '> 0',
    for: '1m',
    severity: 'critical',
    summary: 'The event log is full: changes are not taken.',
    description: 'Resources that wait say Stalled/LogFull. Pods serve on as they are.',
  },
  HeadgateHistoryLost: {
    query: `max by (namespace) (${sinceAnHour(series('headgate_history_lost_total'))})`,
    is: '> 0',
    for: '0m',
    severity: 'critical',
    summary: 'The event log was gone and had to be made anew.',
    description: 'Everything wanted was published again; what had happened before is not known.',
  },
} as const satisfies Record<string, Alert>;

const podAlerts = {
  HeadgateNoLivePods: {
    query: max('headgate_pods', ['namespace', 'pool'], { state: 'live' }),
    is: '< 1',
    for: '2m',
    severity: 'critical',
    summary: 'Pool {{ $labels.pool }} has no live pod.',
    description: 'The operator hears none. Its resources are most likely not served.',
  },
  HeadgatePodsSilent: {
    query: max('headgate_pods', ['namespace', 'pool'], { state: 'silent' }),
    is: '> 0',
    for: '2m',
    severity: 'warning',
    summary: '{{ $value }} pods of pool {{ $labels.pool }} are silent.',
    description: 'They may serve an older version: they cannot reach the event log, or hang.',
  },
  HeadgatePodsBehind: {
    query: eventsBehind('offset 1m', ''),
    is: '> 0',
    for: '2m',
    severity: 'warning',
    summary: '{{ $labels.instance }} of pool {{ $labels.pool }} is {{ $value }} events behind.',
    description: 'It has not applied what was published more than a minute ago.',
  },
  HeadgatePodsRefuse: {
    query: max('headgate_refusals', ['namespace', 'pool']),
    is: '> 0',
    for: '2m',
    severity: 'warning',
    summary: 'Pods of pool {{ $labels.pool }} refuse {{ $value }} versions.',
    description:
      'What was accepted cannot be served there. The conditions of the resources say why.',
  },
  HeadgatePropagationSlow: {
    query: quantile(0.99, 'headgate_propagation_seconds', ['namespace'], {}, '15m'),
    is: '> 5',
    for: '10m',
    severity: 'warning',
    summary: 'Changes take {{ $value | humanizeDuration }} to reach every pod.',
    description: '99 of 100 changes take less. Usual are well below a second.',
  },
  HeadgateThreadsRestart: {
    query: increase('headgate_worker_restarts_total', ['namespace', 'instance'], '15m'),
    is: '> 0',
    for: '0m',
    severity: 'warning',
    summary: 'Serving threads of {{ $labels.instance }} died.',
    description: 'Their connections were cut; a new thread took their place. It is a bug.',
  },
  HeadgateDescriptorsRunOut: {
    query: ofProcesses(
      `${processMetric('process_open_fds')} / ${processMetric('process_max_fds')}`,
      series('headgate_applied_sequence'),
    ),
    is: '> 0.85',
    for: '5m',
    severity: 'warning',
    summary: '{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its descriptors.',
    description: 'At the limit new connections are refused with 503 or closed.',
  },
  HeadgateUpstreamsFail: {
    query: `${rate('headgate_forward_proxy_upstream_errors_total', ['namespace', 'resource'], {}, '10m')} / (${rate('headgate_forward_proxy_requests_total', ['namespace', 'resource'], {}, '10m')} > 0)`,
    is: '> 0.5',
    for: '10m',
    severity: 'warning',
    summary:
      '{{ $value | humanizePercentage }} of the requests through {{ $labels.resource }} fail.',
    description: 'Origins, name servers or the network behind the proxy are in trouble.',
  },
  HeadgateCertificateExpires: {
    query: `${min('headgate_certificate_expiration_timestamp_seconds', ['namespace', 'resource', 'secret'])} - time()`,
    is: '< 7 * 86400',
    for: '15m',
    severity: 'warning',
    summary:
      'The certificate in Secret {{ $labels.secret }} expires in {{ $value | humanizeDuration }}.',
    description: 'MirrorRoute {{ $labels.resource }} shows it to clients, who then hang up.',
  },
  HeadgateAccessLogLoss: {
    query: increase('headgate_access_log_dropped_total', ['namespace', 'instance'], '15m'),
    is: '> 0',
    for: '0m',
    severity: 'warning',
    summary: '{{ $labels.instance }} lost {{ $value }} lines of its access log.',
    description: 'Whoever reads them is slower than they are written.',
  },
} as const satisfies Record<string, Alert>;

export const alertGroups = {
  'headgate-operator': operatorAlerts,
  'headgate-event-log': logAlerts,
  'headgate-pods': podAlerts,
} as const;

export type AlertName =
  | keyof typeof operatorAlerts
  | keyof typeof logAlerts
  | keyof typeof podAlerts;

/** By how much a counter rose within the hour, also where it was not there an hour ago. */
function sinceAnHour(counter: Query): Query {
  return `${counter} - (${counter} offset 1h or ${counter} * 0)`;
}

/** The groups as Prometheus reads them; `runbooks` is where docs/monitoring.md can be read. */
export function buildRules(runbooks: string) {
  const groups = Object.entries(alertGroups).map(([name, alerts]) => ({
    name,
    rules: Object.entries<Alert>(alerts).map(([alert, rule]) => toRule(alert, rule, runbooks)),
  }));
  return { groups };
}

function toRule(alert: string, rule: Alert, runbooks: string) {
  const { query, is, severity, summary, description } = rule;
  return {
    alert,
    expr: `${query} ${is}`,
    for: rule.for,
    labels: { severity },
    annotations: { summary, description, runbook_url: `${runbooks}#${alert.toLowerCase()}` },
  };
}
