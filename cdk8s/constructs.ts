/** What other cdk8s apps import as `headgate/cdk8s`. */
import { ApiObject, type ApiObjectMetadata, Chart, type GroupVersionKind } from 'cdk8s';
import type { Construct } from 'constructs';
import type { ForwardProxySpecAsWritten } from '../contracts/kinds/forward-proxy/spec.ts';
import type { MirrorRouteSpecAsWritten } from '../contracts/kinds/mirror-route/spec.ts';
import { addInstall } from './charts/install.ts';
import { addMonitoring, type MonitoringProps } from './charts/monitoring.ts';
import { findInstallProblems, type HeadgateProps, resolveInstall } from './install.ts';
import { findResourceProblems } from './resource-problems.ts';

type ResourceProps<Spec> = { readonly metadata?: ApiObjectMetadata; readonly spec: Spec };

/** What its definition or the operator would refuse is refused by `synth`. */
class Resource extends ApiObject {
  protected constructor(
    scope: Construct,
    id: string,
    gvk: GroupVersionKind,
    props: ResourceProps<unknown>,
  ) {
    super(scope, id, { ...gvk, ...props });
    this.node.addValidation({ validate: () => findResourceProblems(this.toJson()) });
  }
}

const apiVersion = 'headgate.dev/v1alpha1';

/** Every field: contracts/kinds/forward-proxy/README.md. */
export type ForwardProxyProps = ResourceProps<ForwardProxySpecAsWritten>;

/** A ForwardProxy. */
export class ForwardProxy extends Resource {
  static readonly GVK: GroupVersionKind = { apiVersion, kind: 'ForwardProxy' };

  constructor(scope: Construct, id: string, props: ForwardProxyProps) {
    super(scope, id, ForwardProxy.GVK, props);
  }
}

/** Every field: contracts/kinds/mirror-route/README.md. */
export type MirrorRouteProps = ResourceProps<MirrorRouteSpecAsWritten>;

/** A MirrorRoute. */
export class MirrorRoute extends Resource {
  static readonly GVK: GroupVersionKind = { apiVersion, kind: 'MirrorRoute' };

  constructor(scope: Construct, id: string, props: MirrorRouteProps) {
    super(scope, id, MirrorRoute.GVK, props);
  }
}

/** Headgate itself: definitions, operator, rights, NATS and pools, as a chart of its own. */
export class Headgate extends Chart {
  constructor(scope: Construct, id: string, props: HeadgateProps = {}) {
    super(scope, id);
    const install = resolveInstall(props);
    this.node.addValidation({ validate: () => findInstallProblems(install) });
    addInstall(this, install);
  }
}

/**
 * Dashboard, alert rules and what is scraped, as a chart of its own: it is often applied by others,
 * and the kinds of the Prometheus operator have to exist first.
 */
export class HeadgateMonitoring extends Chart {
  constructor(scope: Construct, id: string, props: MonitoringProps = {}) {
    super(scope, id);
    addMonitoring(this, props);
  }
}
