import { max, type Query, series } from './query.ts';

/** What panels and alert rules ask alike. */

/** Events meant for its pool that a pod has not applied; `offset 1m`: of those published a minute ago. */
export function eventsBehind(offset = '', pool = '~$pool'): Query {
  const where = pool === '' ? {} : { pool };
  const published = max('headgate_published_sequence', ['namespace', 'pool'], where);
  const meant = offset === '' ? published : published.replace(/\)$/, ` ${offset})`);
  const applied = series('headgate_applied_sequence', where);
  return `clamp_min(${meant} - on (namespace, pool) group_right () ${applied}, 0)`;
}

/** How full the log is, from 0 to 1. */
export function shareOfLog(): Query {
  const limit = series('headgate_event_log_max_bytes');
  return `${series('headgate_event_log_bytes')} / (${limit} > 0)`;
}
