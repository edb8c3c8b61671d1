import { mirrorRows } from './mirror-rows.ts';
import { operatorRows } from './operator-rows.ts';
import { datasource, layOut, type Row } from './panel.ts';
import { processesRow, trafficRow } from './traffic-rows.ts';

/** What the dashboard shows, from the operator down to the processes. */
export const dashboardRows: readonly Row[] = [
  ...operatorRows,
  trafficRow,
  ...mirrorRows,
  processesRow,
];

/** The dashboard as Grafana imports it: its classic JSON model. */
export function buildDashboard(): Readonly<Record<string, unknown>> {
  return {
    uid: 'headgate',
    title: 'Headgate',
    description:
      'Operator, propagation, event log, traffic of ForwardProxies and MirrorRoutes, mirrors and pods of Headgate.',
    tags: ['headgate', 'proxy'],
    schemaVersion: 42,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timepicker: {},
    timezone: 'browser',
    annotations: { list: [] },
    links: [],
    templating: { list: variables },
    panels: layOut(dashboardRows),
  };
}

const variables = [
  { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', hide: 0 },
  variable('pool', 'Pool', 'label_values(headgate_applied_sequence, pool)'),
  variable('resource', 'Resource', 'label_values(headgate_config_version, resource)'),
];

/** As many values as one likes; at first all of them. */
function variable(name: string, label: string, query: string) {
  return {
    name,
    label,
    type: 'query',
    datasource,
    definition: query,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  };
}
