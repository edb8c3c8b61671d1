import type {
  MirrorRouteConfig,
  MirrorRouteListener,
} from '../../../contracts/kinds/mirror-route/config.ts';
import type { MirrorRouteSpec } from '../../../contracts/kinds/mirror-route/spec.ts';
import { createFieldReader, type FieldReader, type Resolution } from '../resolve-fields.ts';
import {
  readAccessLog,
  readAddressPolicy,
  readDns,
  readDrain,
  readLimits,
  readListeners,
  readTimeouts,
  readVia,
} from '../resolve-serving.ts';
import { readMinVersion } from './origin.ts';
import { createPatternCheck } from './patterns.ts';
import type { Resource } from './resolve-mirror.ts';
import { readRule } from './resolve-rule.ts';

/** What pods serve for a spec whose defaults are filled in, or the fields that stand in the way. */
export function resolveMirrorRoute(
  spec: MirrorRouteSpec,
  resource: Resource,
): Resolution<MirrorRouteConfig> {
  const read = createFieldReader();
  const checkPattern = createPatternCheck(read);
  return read.resolve<MirrorRouteConfig>({
    pool: spec.pool,
    created: '', // filled in with what the spec refers to
    listeners: listeners(read, spec, resource),
    hostnames: [...new Set(read.hosts('spec.hostnames', spec.hostnames, notByAddress))],
    rules: spec.rules.map((rule, index) => readRule(read, checkPattern, rule, { index, resource })),
    unresolved: [],
    addressPolicy: readAddressPolicy(read, 'spec.addressPolicy', spec.addressPolicy),
    dns: readDns(read, spec.dns),
    timeouts: readTimeouts(read, spec.timeouts, { idle: 'upgradeIdle', max: 'upgradeMax' }),
    limits: readLimits(read, spec.limits, { all: 'upgrades', perClient: 'upgradesPerClient' }),
    via: readVia(spec.via, resource),
    forwardedHeader: spec.forwardedHeader,
    drain: readDrain(read, spec.drain),
    accessLog: readAccessLog(spec.accessLog),
  });
}

function listeners(
  read: FieldReader,
  spec: MirrorRouteSpec,
  { namespace }: Resource,
): readonly MirrorRouteListener[] {
  return readListeners(read, spec.listeners, ({ port }) => port).map(
    ({ listener: { protocol, tls }, address, allowedClientCIDRs }) => ({
      ...address,
      protocol,
      tls:
        tls === undefined
          ? null
          : {
              // Which version of them is filled in with all other references.
              certificates: tls.certificateRefs.map(({ name }) => ({
                namespace,
                name,
                digest: '',
              })),
              minVersion: readMinVersion(tls.minVersion),
            },
      allowedClientCIDRs,
    }),
  );
}

function notByAddress(): string {
  return 'hostnames are names; leave the list out to take requests for any host';
}
