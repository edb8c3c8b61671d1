import type { Panel, Row } from './panel.ts';
import { max, min, observations, quantile, rate, series, sum } from './query.ts';
import { eventsBehind, shareOfLog } from './shared-queries.ts';

const meanings = {
  programmed: 'Every live pod serves the newest generation.',
  pending: 'On the way to pods, or there is no pod.',
  refused: 'The newest generation was refused; the last good one is served, if there was one.',
  degraded: 'Accepted, but a pod refuses it, is behind or silent.',
} as const;

/** What the operator does, from what it watches to what it writes. */
const operator: Row = {
  title: 'Operator',
  panels: [
    {
      title: 'Leaders',
      description: 'Exactly one operator leads. None: nothing is decided, pods serve on.',
      unit: 'short',
      shape: 'number',
      alarm: { below: 1 },
      queries: [{ query: sum('headgate_leader', []), legend: 'leaders' }],
    },
    ...(['programmed', 'pending', 'refused', 'degraded'] as const).map(
      (state): Panel => ({
        title: `Resources ${state}`,
        description: meanings[state],
        unit: 'short',
        shape: 'number',
        ...(state === 'programmed' ? {} : { alarm: { atLeast: 1 } }),
        queries: [{ query: sum('headgate_resources', [], { state }), legend: state }],
      }),
    ),
    {
      title: 'Queue',
      description: 'Resources that wait to be looked at. It should be 0 most of the time.',
      unit: 'short',
      shape: 'number',
      alarm: { atLeast: 100 },
      queries: [{ query: max('headgate_queue_depth', []), legend: 'waiting' }],
    },
    {
      title: 'Looks at resources',
      description: 'How often resources are looked at, and how often that failed and why.',
      unit: 'ops',
      queries: [
        {
          query: observations('headgate_reconcile_duration_seconds', ['kind']),
          legend: '{{kind}}',
        },
        {
          query: rate('headgate_reconcile_failures_total', ['reason']),
          legend: 'failed: {{reason}}',
        },
      ],
    },
    {
      title: 'How long a look takes, and the wait before it',
      description: 'A look includes its append to the event log.',
      unit: 's',
      queries: [
        { query: quantile(0.5, 'headgate_reconcile_duration_seconds', []), legend: 'look p50' },
        { query: quantile(0.99, 'headgate_reconcile_duration_seconds', []), legend: 'look p99' },
        { query: quantile(0.99, 'headgate_queue_wait_seconds', []), legend: 'wait p99' },
      ],
    },
    {
      title: 'Queue depth',
      description: 'It grows while more changes than can be recorded.',
      unit: 'short',
      queries: [{ query: series('headgate_queue_depth'), legend: '{{instance}}' }],
    },
    {
      title: 'Watches complete',
      description: '0: this kind cannot be listed now. Nothing of it is removed meanwhile.',
      unit: 'short',
      queries: [{ query: min('headgate_watch_complete', ['kind']), legend: '{{kind}}' }],
    },
    {
      title: 'Watches restarted',
      description: 'A few after a restart of the API server are usual.',
      unit: 'ops',
      queries: [
        {
          query: rate('headgate_watch_restarts_total', ['kind', 'reason']),
          legend: '{{kind}}: {{reason}}',
        },
      ],
    },
    {
      title: 'Requests to the Kubernetes API',
      description: 'By verb and status. 0: there was no answer; 403: a right is missing.',
      unit: 'reqps',
      shape: 'stacked',
      queries: [
        {
          query: rate('headgate_api_requests_total', ['verb', 'code']),
          legend: '{{verb}} {{code}}',
        },
      ],
    },
    {
      title: 'How long the Kubernetes API takes, p99',
      description: 'By verb; of a watch, until it began.',
      unit: 's',
      queries: [
        {
          query: quantile(0.99, 'headgate_api_request_duration_seconds', ['verb']),
          legend: '{{verb}}',
        },
      ],
    },
    {
      title: 'Status written',
      description: 'At most three writes per version of a resource, none for a change of nothing.',
      unit: 'ops',
      queries: [
        { query: rate('headgate_status_writes_total', ['outcome']), legend: '{{outcome}}' },
        {
          query: rate('headgate_kubernetes_events_total', ['outcome']),
          legend: 'Events: {{outcome}}',
        },
      ],
    },
    {
      title: 'Objects of pools written',
      description:
        'Deployments, Services and others. corrected, again and again: somebody else writes them too.',
      unit: 'ops',
      queries: [
        {
          query: rate('headgate_object_writes_total', ['kind', 'outcome']),
          legend: '{{kind}}: {{outcome}}',
        },
      ],
    },
  ],
};

const propagation: Row = {
  title: 'Propagation',
  panels: [
    {
      title: 'From accepted to served by every live pod',
      description: 'Of changes that arrived everywhere meanwhile; nothing is drawn without any.',
      unit: 's',
      queries: [
        { query: quantile(0.5, 'headgate_propagation_seconds', []), legend: 'p50' },
        { query: quantile(0.99, 'headgate_propagation_seconds', []), legend: 'p99' },
        { query: quantile(1, 'headgate_propagation_seconds', []), legend: 'slowest' },
      ],
    },
    {
      title: 'Events that pods still have to apply',
      description: 'Last event published to the pool, less the last one this pod applied.',
      unit: 'short',
      queries: [{ query: eventsBehind(), legend: '{{pool}} {{instance}}' }],
    },
    {
      title: 'Pods',
      description: 'As the operator hears them. Silent ones may serve an older version.',
      unit: 'short',
      shape: 'stacked',
      queries: [
        {
          query: max('headgate_pods', ['pool', 'state'], { pool: '~$pool' }),
          legend: '{{pool}} {{state}}',
        },
      ],
    },
    {
      title: 'Versions refused by pods',
      description:
        'Accepted by the operator, but a pod could not take it, as when a port is taken.',
      unit: 'short',
      queries: [
        { query: max('headgate_refusals', ['pool'], { pool: '~$pool' }), legend: '{{pool}}' },
      ],
    },
    {
      title: 'Acknowledgements',
      description: 'Every pod sends one after each change and every 3 s.',
      unit: 'ops',
      queries: [{ query: rate('headgate_acks_total', ['result']), legend: '{{result}}' }],
    },
    {
      title: 'Resources by state',
      description: 'What has become of their newest generation.',
      unit: 'short',
      shape: 'stacked',
      queries: [{ query: sum('headgate_resources', ['state']), legend: '{{state}}' }],
    },
  ],
};

const eventLog: Row = {
  title: 'Event log',
  panels: [
    {
      title: 'Out of reach',
      description: 'Operators that cannot follow the log and have to. Pods serve on, changes wait.',
      unit: 'short',
      shape: 'number',
      alarm: { atLeast: 1 },
      queries: [{ query: sum('headgate_event_log_unreachable', []), legend: 'out of reach' }],
    },
    {
      title: 'Full',
      description: 'At 100% the log takes nothing more.',
      unit: 'percentunit',
      shape: 'number',
      alarm: { atLeast: 0.8 },
      queries: [{ query: `max(${shareOfLog()})`, legend: 'full' }],
    },
    {
      title: 'Last event',
      description: 'Sequence of the last event of the log.',
      unit: 'none',
      shape: 'number',
      queries: [{ query: max('headgate_event_log_sequence', []), legend: 'sequence' }],
    },
    {
      title: 'Epoch',
      description: 'Sequence of the last election.',
      unit: 'none',
      shape: 'number',
      queries: [{ query: max('headgate_event_log_epoch', []), legend: 'epoch' }],
    },
    {
      title: 'Histories lost',
      description: 'The log was gone and had to be made anew.',
      unit: 'short',
      shape: 'number',
      alarm: { atLeast: 1 },
      queries: [{ query: sum('headgate_history_lost_total', []), legend: 'lost' }],
    },
    {
      title: 'Last reading of all of it',
      description: 'How long it took to read and fold the whole log.',
      unit: 's',
      shape: 'number',
      queries: [{ query: max('headgate_projection_rebuild_seconds', []), legend: 'read' }],
    },
    {
      title: 'Appends',
      description: 'By outcome. fenced: another operator leads. full: nothing was written.',
      unit: 'ops',
      queries: [
        { query: rate('headgate_event_log_appends_total', ['outcome']), legend: '{{outcome}}' },
      ],
    },
    {
      title: 'How long an append takes',
      description: 'Of those that were stored, to the disk of NATS and back.',
      unit: 's',
      queries: [
        {
          query: quantile(0.5, 'headgate_event_log_append_duration_seconds', []),
          legend: 'p50',
        },
        {
          query: quantile(0.99, 'headgate_event_log_append_duration_seconds', []),
          legend: 'p99',
        },
      ],
    },
    {
      title: 'Size',
      description: 'The log keeps the last 16 events of each resource and no more.',
      unit: 'bytes',
      queries: [
        { query: max('headgate_event_log_bytes', []), legend: 'size' },
        { query: max('headgate_event_log_max_bytes', []), legend: 'limit' },
      ],
    },
  ],
};

export const operatorRows: readonly Row[] = [operator, propagation, eventLog];
