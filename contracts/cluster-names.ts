/**
 * What things are called in a cluster: the operator, the manifests, the dashboards and the command
 * line have to agree on it. Names of objects lie in the operator's namespace.
 */
export const clusterNames = {
  /** The namespace of the manifests; any other works. */
  namespace: 'headgate-system',
  fieldManager: 'headgate-operator',
  operator: 'headgate-operator',
  lease: 'headgate-operator',
  nats: 'headgate-nats',
  /** ConfigMap, key `pools.yaml`: which pools there are, and who may use them. */
  poolsConfigMap: 'headgate-pools',
  /** Secret, key `seal.keys`: the master sealing keys. Made by the operator where there is none. */
  sealingKeysSecret: 'headgate-sealing-keys',
  /** Secret: how the operator reaches NATS, and what it makes the users of pools with. */
  natsSecret: 'headgate-nats',
  /** Secret: the configuration of the embedded NATS server. Made by the operator where there is none. */
  natsServerSecret: 'headgate-nats-server',
  /** Secret, keys `tls.crt`, `tls.key`, `ca.crt`: the certificate of the embedded NATS server. Made by whoever wants TLS there. */
  natsTlsSecret: 'headgate-nats-tls',
  /** Secret, key `nats.creds`: a NATS user that can only read; for `headgate events` and `explain`. */
  readerSecret: 'headgate-reader',
} as const;

/** Keys of the Secrets above, and of the one that each pool's pods mount. */
export const secretKeys = {
  creds: 'nats.creds',
  user: 'nats.user',
  password: 'nats.password',
  ca: 'ca.crt',
  certificate: 'tls.crt',
  key: 'tls.key',
  sealingKeys: 'seal.keys',
  /** Seed of the account key that signs users (NATS nkey, `SA…`). */
  signingSeed: 'account-signing.seed',
  /** Public key of the account (`A…`). */
  account: 'account.pub',
  /** The same of the account that pools and readers belong to, if they have one of their own (decision 13). */
  guestsSigningSeed: 'guests-signing.seed',
  guests: 'guests.pub',
  /** Seed of the NATS operator that signs both accounts; of the embedded server alone. */
  operatorSeed: 'operator.seed',
  /** For pods of every pool, where there is no seed to make users with. */
  poolCreds: 'pool.creds',
  poolUser: 'pool.user',
  poolPassword: 'pool.password',
  /** Client certificate of pods, where NATS asks for one. */
  poolCertificate: 'pool.tls.crt',
  poolKey: 'pool.tls.key',
  serverConfig: 'nats.conf',
} as const;

export const clusterLabels = {
  name: 'app.kubernetes.io/name',
  component: 'app.kubernetes.io/component',
  managedBy: 'app.kubernetes.io/managed-by',
  pool: 'headgate.dev/pool',
  ownerUid: 'headgate.dev/owner-uid',
} as const;

export const clusterAnnotations = {
  /** `ForwardProxy/team-a/egress` */
  owner: 'headgate.dev/owner',
  holdAt: 'headgate.dev/hold-at',
} as const;

export type ClusterComponent = 'operator' | 'dataplane' | 'nats' | 'monitoring';

export const clusterPorts = {
  /** `/metrics`, `/healthz`, `/readyz` of operator and pods. */
  admin: 9127,
  nats: 4222,
  /** `/metrics`-less monitoring of NATS: `/healthz`, `/varz`. */
  natsMonitor: 8222,
} as const;

/** Where pods find the Secret of their pool. */
export const credentialsDirectory = '/etc/headgate/credentials';

/** Where the embedded NATS server has its configuration (and certificate), and where its streams. */
export const natsServerDirectories = { config: '/etc/nats', data: '/data' } as const;
