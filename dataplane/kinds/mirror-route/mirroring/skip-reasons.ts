/** Why no copy of a request was sent: the `reason` of `headgate_mirror_skipped_total`, and what it means. */
export const skipReasons = {
  not_sampled: 'it was not among the requests that were chosen',
  method: 'its method is not in `methods`',
  loop: 'it carries the mark: it is a copy that came back',
  path: 'its path has dot segments, which would lead out of the `path` of the mirror',
  upgrade: 'it asks for another protocol',
  draining: 'the route or the mirror is on its way out',
  loop_busy: 'the thread was late: it is for the clients first',
  connections:
    'the thread has as many upstream connections as it may: they are for the backends first',
  breaker_open: 'the mirror has been failing (`circuitBreaker`)',
  rate: '`limits.requestsPerSecond` were used up',
  body_too_large: 'its body is longer than `body.maxBytes`',
  buffer_bytes: '`limits.bufferedBytes` were used up',
  queue_full: '`limits.concurrent` were under way and `limits.queue` waited',
  incomplete: 'the client left before its request was whole, or the backend did not take all of it',
  no_endpoint: 'nobody serves the Service that the mirror is, or no ReferenceGrant permits it',
  no_ca: 'the CA certificates of the mirror (`caCertificateRefs`) are not there',
  dns: 'the name of the mirror has no address, or nobody said one in time',
  address: 'the address policy allows none of the addresses of the mirror',
} as const;

export type SkipReason = keyof typeof skipReasons;
