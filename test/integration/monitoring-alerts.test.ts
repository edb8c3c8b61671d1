import test from 'ava';
import { type AlertName, alertGroups, buildRules } from '../../cdk8s/dashboards/alerts.ts';
import { isContinuousIntegration } from '../support/environment.ts';
import { findProgram, runPromtool } from '../support/prometheus.ts';

// Two hours of what a system might show, minute by minute, and which alerts are raised at the end
// of them: judged by promtool, the program that users check their rules with.

type Series = Readonly<Record<string, string>>;

const leader = 'namespace="hg", instance="op-1"';
const standby = 'namespace="hg", instance="op-2"';
const pod = 'namespace="hg", instance="pod-1"';
const inPool = 'namespace="hg", pool="default"';
const of = (state: string) =>
  `headgate_resources{${leader}, kind="ForwardProxy", state="${state}"}`;
const propagated = (le: string) =>
  `headgate_propagation_seconds_bucket{${leader}, kind="ForwardProxy", le="${le}"}`;

const certificate = `headgate_certificate_expiration_timestamp_seconds{${pod}, resource="a/b", secret="a/tls"}`;

const always = (value: number) => `${value}x120`;
const growing = (perMinute: number) => `0+${perMinute}x120`;
/** Something happens once, ten minutes before the end. */
const onceLately = '0x110 1x10';

const healthy: Series = {
  [`headgate_leader{${leader}}`]: always(1),
  [`headgate_leader{${standby}}`]: always(0),
  [of('programmed')]: always(5),
  [of('pending')]: always(0),
  [of('refused')]: always(0),
  [of('degraded')]: always(0),
  [`headgate_reconcile_failures_total{${leader}, reason="log_unavailable"}`]: always(0),
  [`headgate_queue_depth{${leader}}`]: always(0),
  [`headgate_watch_complete{${leader}, kind="ForwardProxy"}`]: always(1),
  [`headgate_watch_complete{${standby}, kind="ForwardProxy"}`]: always(0),
  [`headgate_api_requests_total{${leader}, verb="get", code="200"}`]: growing(60),
  [`headgate_api_requests_total{${leader}, verb="get", code="404"}`]: growing(60),
  [`headgate_api_requests_total{${leader}, verb="get", code="0"}`]: always(0),
  [`headgate_event_log_unreachable{${leader}}`]: always(0),
  [`headgate_event_log_unreachable{${standby}}`]: always(0),
  [`headgate_event_log_bytes{${leader}}`]: always(10),
  [`headgate_event_log_bytes{${standby}}`]: always(0),
  [`headgate_event_log_max_bytes{${leader}}`]: always(100),
  [`headgate_event_log_max_bytes{${standby}}`]: always(0),
  [`headgate_event_log_appends_total{${leader}, outcome="full"}`]: always(0),
  [`headgate_history_lost_total{${leader}}`]: always(0),
  [`headgate_pods{${leader}, pool="default", state="live"}`]: always(2),
  [`headgate_pods{${leader}, pool="default", state="silent"}`]: always(0),
  [`headgate_refusals{${leader}, pool="default"}`]: always(0),
  // An event a minute: at every moment there may be one that has just been published.
  [`headgate_published_sequence{${leader}, pool="default"}`]: '100+1x120',
  [`headgate_applied_sequence{${inPool}, instance="pod-1"}`]: '99+1x120',
  [propagated('0.1')]: growing(10),
  [propagated('10')]: growing(10),
  [propagated('+Inf')]: growing(10),
  [`headgate_worker_restarts_total{${pod}}`]: always(0),
  [`process_open_fds{${pod}}`]: always(100),
  [`process_max_fds{${pod}}`]: always(1000),
  [`headgate_forward_proxy_requests_total{${pod}, resource="a/b", code="200"}`]: growing(100),
  [`headgate_forward_proxy_upstream_errors_total{${pod}, resource="a/b", error_type="dns_error"}`]:
    growing(10),
  [`headgate_access_log_dropped_total{${pod}}`]: always(0),
  // Time begins in 1970, with a certificate that is good for 90 days.
  [certificate]: always(90 * 86_400),
};

type Story = {
  /** What is other than in health; `null`: it is not there. */
  readonly but: Readonly<Record<string, string | null>>;
  /** Other alerts that are rightly raised along with it. */
  readonly and?: readonly AlertName[];
};

/** What raises an alert. Does not compile while an alert has no story. */
const stories: Readonly<Record<AlertName, Story>> = {
  HeadgateOperatorDown: {
    but: Object.fromEntries(
      Object.keys(healthy).flatMap((name) => (/op-\d/.test(name) ? [[name, null]] : [])),
    ),
  },
  HeadgateNoLeader: { but: { [`headgate_leader{${leader}}`]: always(0) } },
  HeadgateTwoLeaders: {
    but: { [`headgate_leader{${standby}}`]: always(1) },
    // The second one sees nothing, and says that it leads.
    and: ['HeadgateWatchIncomplete'],
  },
  HeadgateResourcesRefused: { but: { [of('refused')]: always(1) } },
  HeadgateResourcesPending: { but: { [of('pending')]: always(1) } },
  HeadgateResourcesDegraded: { but: { [of('degraded')]: always(1) } },
  HeadgateReconcileFailing: {
    but: { [`headgate_reconcile_failures_total{${leader}, reason="log_unavailable"}`]: growing(6) },
  },
  HeadgateQueueBacklog: { but: { [`headgate_queue_depth{${leader}}`]: always(50) } },
  HeadgateWatchIncomplete: {
    but: { [`headgate_watch_complete{${leader}, kind="ForwardProxy"}`]: always(0) },
  },
  HeadgateApiRequestsFailing: {
    but: { [`headgate_api_requests_total{${leader}, verb="get", code="0"}`]: growing(60) },
  },
  HeadgateLogUnreachable: { but: { [`headgate_event_log_unreachable{${leader}}`]: always(1) } },
  HeadgateLogNearlyFull: { but: { [`headgate_event_log_bytes{${leader}}`]: always(90) } },
  HeadgateLogFull: {
    but: { [`headgate_event_log_appends_total{${leader}, outcome="full"}`]: growing(6) },
  },
  HeadgateHistoryLost: { but: { [`headgate_history_lost_total{${leader}}`]: onceLately } },
  HeadgateNoLivePods: {
    but: { [`headgate_pods{${leader}, pool="default", state="live"}`]: always(0) },
  },
  HeadgatePodsSilent: {
    but: { [`headgate_pods{${leader}, pool="default", state="silent"}`]: always(1) },
  },
  HeadgatePodsBehind: {
    but: { [`headgate_applied_sequence{${inPool}, instance="pod-1"}`]: always(99) },
  },
  HeadgatePodsRefuse: { but: { [`headgate_refusals{${leader}, pool="default"}`]: always(1) } },
  HeadgatePropagationSlow: { but: { [propagated('0.1')]: always(0) } },
  HeadgateThreadsRestart: { but: { [`headgate_worker_restarts_total{${pod}}`]: onceLately } },
  HeadgateDescriptorsRunOut: { but: { [`process_open_fds{${pod}}`]: always(900) } },
  HeadgateUpstreamsFail: {
    but: {
      [`headgate_forward_proxy_upstream_errors_total{${pod}, resource="a/b", error_type="dns_error"}`]:
        growing(90),
    },
  },
  HeadgateCertificateExpires: { but: { [certificate]: always(7 * 86_400) } },
  HeadgateAccessLogLoss: { but: { [`headgate_access_log_dropped_total{${pod}}`]: onceLately } },
};

const withPromtool =
  findProgram('promtool') === null && !isContinuousIntegration ? test.skip : test;

withPromtool('the rules are rules to promtool', async (t) => {
  const files = { 'rules.yaml': buildRules('docs/monitoring.md') };

  const { code, stdout, stderr } = await runPromtool(t, files, 'check', 'rules', 'rules.yaml');

  t.is(code, 0, stderr);
  const count = Object.values(alertGroups).flatMap((group) => Object.keys(group)).length;
  t.true(stdout.includes(`${count} rules found`), stdout);
});

withPromtool('a healthy system raises no alert', async (t) => {
  t.is(await judge(t, healthy, []), '');
});

withPromtool('a history that was lost before anybody looked is told too', async (t) => {
  const first = `headgate_history_lost_total{${leader}}`;

  t.is(await judge(t, { ...healthy, [first]: '_x110 1x10' }, ['HeadgateHistoryLost']), '');
  t.is(await judge(t, { ...healthy, [first]: '0x30 1x90' }, []), '', 'told long enough');
});

for (const [name, { but, and = [] }] of Object.entries(stories)) {
  withPromtool(`an alert is raised when it should be: ${name}`, async (t) => {
    t.is(await judge(t, { ...healthy, ...but }, [name, ...and]), '');
  });
}

/** What promtool has against these alerts, and no others, being raised after two hours of this. */
async function judge(
  t: Parameters<typeof runPromtool>[0],
  shown: Readonly<Record<string, string | null>>,
  raised: readonly string[],
): Promise<string> {
  const inputs = Object.entries(shown).filter(([, values]) => values !== null);
  const story = {
    interval: '1m',
    input_series: inputs.map(([series, values]) => ({ series, values })),
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: '119m',
        exp_samples: raised.map((name) => ({ labels: `{alertname="${name}"}`, value: 1 })),
      },
    ],
  };
  const files = {
    'rules.yaml': buildRules('docs/monitoring.md'),
    'story.yaml': { rule_files: ['rules.yaml'], evaluation_interval: '1m', tests: [story] },
  };
  const { code, stdout, stderr } = await runPromtool(t, files, 'test', 'rules', 'story.yaml');
  return code === 0 ? '' : `${stdout}\n${stderr}`;
}
