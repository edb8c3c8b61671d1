import type { Construct } from 'constructs';
import { clusterLabels, clusterNames } from '../../contracts/cluster-names.ts';
import { buildRules } from '../dashboards/alerts.ts';
import { buildDashboard } from '../dashboards/dashboard.ts';
import { addObject, selectorOf } from '../objects.ts';

export type MonitoringProps = {
  /** Where Headgate is installed. Default: `headgate-system`. */
  readonly namespace?: string;
  /** Whether there is a Prometheus operator (its kinds have to exist). Default: true. */
  readonly prometheusOperator?: boolean;
  /** What the Prometheus that should take these looks for: `{release: kube-prometheus-stack}`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where alerts point to. Default: this repository's docs/monitoring.md, as a path. */
  readonly runbooks?: string;
  /** Default: what Prometheus does anyway. */
  readonly scrapeInterval?: string;
};

export const defaultRunbooks = 'docs/monitoring.md';
const dashboardName = 'headgate-dashboard';

/** Dashboard, alert rules and what is scraped. */
export function addMonitoring(scope: Construct, props: MonitoringProps): void {
  addDashboard(scope, props);
  if (props.prometheusOperator ?? true) addPrometheusOperatorObjects(scope, props);
}

/** Grafana's sidecar takes every ConfigMap with this label. */
function addDashboard(scope: Construct, props: MonitoringProps): void {
  addObject(scope, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...metadataOf(props, dashboardName, { grafana_dashboard: '1' }) },
    data: { 'headgate.json': `${JSON.stringify(buildDashboard(), null, 1)}\n` },
  });
}

/** For clusters with the Prometheus operator; elsewhere its kinds do not exist. */
function addPrometheusOperatorObjects(scope: Construct, props: MonitoringProps): void {
  const { labels = {}, runbooks = defaultRunbooks } = props;
  const apiVersion = 'monitoring.coreos.com/v1';
  const metadata = metadataOf(props, clusterNames.operator, labels);
  addObject(scope, { apiVersion, kind: 'PodMonitor', metadata, spec: podMonitor(props) });
  addObject(scope, { apiVersion, kind: 'PrometheusRule', metadata, spec: buildRules(runbooks) });
}

/**
 * Pods and not Services: a pod that starts or drains is scraped too, and each of them once. Named by
 * its pod, a series goes on when the pod gets another address.
 */
function podMonitor({ scrapeInterval }: MonitoringProps) {
  const components = ['operator', 'dataplane'] as const;
  return {
    selector: {
      matchLabels: { [clusterLabels.name]: selectorOf('operator')[clusterLabels.name] },
      matchExpressions: [{ key: clusterLabels.component, operator: 'In', values: components }],
    },
    podMetricsEndpoints: [
      {
        port: 'admin',
        path: '/metrics',
        ...(scrapeInterval === undefined ? {} : { interval: scrapeInterval }),
        relabelings: [{ sourceLabels: ['__meta_kubernetes_pod_name'], targetLabel: 'instance' }],
      },
    ],
  };
}

/** The same for a Prometheus without an operator, as an entry of its `scrape_configs`. */
export function scrapeConfig(namespace: string = clusterNames.namespace) {
  return {
    job_name: 'headgate',
    kubernetes_sd_configs: [{ role: 'pod', namespaces: { names: [namespace] } }],
    relabel_configs: [
      keep('__meta_kubernetes_pod_label_app_kubernetes_io_name', 'headgate'),
      keep('__meta_kubernetes_pod_label_app_kubernetes_io_component', 'operator|dataplane'),
      keep('__meta_kubernetes_pod_container_port_name', 'admin'),
      { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
      { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'instance' },
    ],
  };
}

function keep(label: string, regex: string) {
  return { action: 'keep', source_labels: [label], regex };
}

function metadataOf(
  { namespace = clusterNames.namespace }: MonitoringProps,
  name: string,
  labels: Readonly<Record<string, string>>,
) {
  return { name, namespace, labels: { ...selectorOf('monitoring'), ...labels } };
}
