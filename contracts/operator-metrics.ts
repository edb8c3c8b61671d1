const workSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const propagationSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** What an operator shows. Of what only the leader knows, an operator that does not lead shows nothing or zero. */
export const operatorMetrics = {
  headgate_leader: {
    type: 'gauge',
    help: '1 while this operator leads, else 0.',
    labels: [],
  },
  headgate_resources: {
    type: 'gauge',
    help: 'Resources by what has become of their newest generation: programmed, pending, refused, degraded.',
    labels: ['kind', 'state'],
  },
  headgate_propagation_seconds: {
    type: 'histogram',
    help: 'From the moment a change was accepted until every live pod of its pool served it.',
    labels: ['kind'],
    buckets: propagationSeconds,
  },
  headgate_pods: {
    type: 'gauge',
    help: 'Pods of the data plane as the operator hears them: live, or silent for more than 10 s.',
    labels: ['pool', 'state'],
  },
  headgate_refusals: {
    type: 'gauge',
    help: 'Versions that live pods refuse at this moment, one per pod and version.',
    labels: ['pool'],
  },
  headgate_acks_total: {
    type: 'counter',
    help: 'Acknowledgements of pods, heartbeats included: applied, refused (something in them), ignored (of another log, or too early).',
    labels: ['result'],
  },
  headgate_published_sequence: {
    type: 'gauge',
    help: 'Last event of the log that is meant for the pods of this pool.',
    labels: ['pool'],
  },
  headgate_event_log_unreachable: {
    type: 'gauge',
    help: '1 while this operator wants to follow the event log and cannot, else 0.',
    labels: [],
  },
  headgate_event_log_epoch: {
    type: 'gauge',
    help: 'Sequence of the election that this operator won; 0 while it does not lead.',
    labels: [],
  },
  headgate_event_log_sequence: {
    type: 'gauge',
    help: 'Last event that this operator has read of the event log.',
    labels: [],
  },
  headgate_event_log_appends_total: {
    type: 'counter',
    help: 'Appends to the event log: appended, full, unavailable, fenced (another leader), too_large, failed.',
    labels: ['outcome'],
  },
  headgate_event_log_append_duration_seconds: {
    type: 'histogram',
    help: 'How long appends to the event log took that were stored.',
    labels: [],
    buckets: workSeconds,
  },
  headgate_event_log_bytes: {
    type: 'gauge',
    help: 'Size of the event log, looked up once in a while.',
    labels: [],
  },
  headgate_event_log_max_bytes: {
    type: 'gauge',
    help: 'Size at which the event log takes no more.',
    labels: [],
  },
  headgate_history_lost_total: {
    type: 'counter',
    help: 'Times the event log was gone and had to be made anew: its history is lost.',
    labels: [],
  },
  headgate_projection_rebuild_seconds: {
    type: 'gauge',
    help: 'How long the last reading of the whole event log took, from asking to all of it folded.',
    labels: [],
  },
  headgate_queue_depth: {
    type: 'gauge',
    help: 'Resources that wait to be looked at now; those that wait for their back-off are not in it.',
    labels: [],
  },
  headgate_queue_wait_seconds: {
    type: 'histogram',
    help: 'How long resources waited until they were looked at.',
    labels: [],
    buckets: workSeconds,
  },
  headgate_reconcile_duration_seconds: {
    type: 'histogram',
    help: 'How long one look at one resource took, its append included.',
    labels: ['kind'],
    buckets: workSeconds,
  },
  headgate_reconcile_failures_total: {
    type: 'counter',
    help: 'Looks at a resource that failed and are tried again: log_full, log_unavailable, entry_too_large, internal (a bug).',
    labels: ['reason'],
  },
  headgate_status_writes_total: {
    type: 'counter',
    help: 'Status written to the source: written, gone (its resource was removed), conflict, failed; the last two are tried again.',
    labels: ['kind', 'outcome'],
  },
  headgate_watch_complete: {
    type: 'gauge',
    help: '1 while everything of this kind is known; 0 while it cannot be listed: then absence proves nothing.',
    labels: ['kind'],
  },
  headgate_watch_restarts_total: {
    type: 'counter',
    help: 'Watches that ended other than as agreed: expired (410), stalled, refused (401, 403), missing (404), failed.',
    labels: ['kind', 'reason'],
  },
  headgate_api_requests_total: {
    type: 'counter',
    help: 'Requests to the Kubernetes API, by verb (get, list, watch, …) and HTTP status; code 0: there was no answer.',
    labels: ['verb', 'code'],
  },
  headgate_api_request_duration_seconds: {
    type: 'histogram',
    help: 'How long requests to the Kubernetes API took; of a watch, until it began.',
    labels: ['verb'],
    buckets: workSeconds,
  },
  headgate_object_writes_total: {
    type: 'counter',
    help: 'Deployments, Services and other objects around pods: applied, corrected (somebody had changed them), deleted, failed.',
    labels: ['kind', 'outcome'],
  },
  headgate_kubernetes_events_total: {
    type: 'counter',
    help: 'Kubernetes Events about resources: emitted, dropped (too many), failed.',
    labels: ['outcome'],
  },
} as const;
