import { isRecord } from '../../contracts/json.ts';
import { type Kind, kinds } from '../../contracts/kinds/all-kinds.ts';
import { createFeed } from '../../event-log/feed.ts';
import { isNotFound } from '../../operator/kubernetes/api.ts';
import type { KubernetesObject } from '../../operator/kubernetes/objects.ts';
import { typeOfKind } from '../../operator/kubernetes/our-types.ts';
import { createReflector } from '../../operator/kubernetes/reflector.ts';
import { pathOf } from '../../operator/kubernetes/resource-types.ts';
import { readStatus } from '../../operator/kubernetes/status-object.ts';
import { silentLog } from '../../runtime/log.ts';
import { CommandFailed } from '../exit-codes.ts';
import type { GetQuery, Resources } from '../get.ts';
import type { ClusterPlace } from '../place.ts';
import type { ShownResource } from '../resource-table.ts';
import { openCluster } from './cluster.ts';

const pageSize = 500;

/** Custom resources, read from the API server and from nothing else: also while NATS is down. */
export async function openClusterResources(
  place: ClusterPlace,
): Promise<Resources & { readonly namespace: string }> {
  const cluster = await openCluster(place);
  const { api } = cluster;
  /** Versions of objects that were shown. */
  const shown = new Set<string>();

  async function listKind(kind: Kind, query: GetQuery): Promise<readonly KubernetesObject[]> {
    const found: KubernetesObject[] = [];
    let from: string | null = '';
    while (from !== null) {
      const page = await api.list(pathOfKind(kind, query), {
        ...{ limit: pageSize, continue: from },
        ...selecting(query),
      });
      found.push(...page.items);
      from = page.continue;
    }
    return found;
  }

  return {
    namespace: cluster.namespace,

    async list(query) {
      const lists = kindsIn(query).map(async (kind) => {
        const objects = await listKind(kind, query).catch((error: unknown) => {
          throw isNotFound(error) ? notInstalled(kind, api.server) : error;
        });
        for (const object of objects) shown.add(versionOf(object));
        return objects.map((object) => toShown(kind, object));
      });
      return (await Promise.all(lists)).flat();
    },

    async *changes(query, signal) {
      const feed = createFeed<ShownResource>(signal);
      for (const kind of kindsIn(query)) {
        const reflector = createReflector<KubernetesObject>({
          api,
          path: pathOfKind(kind, query),
          ...selecting(query),
          keep: (object) => object,
          signal,
          log: silentLog,
          onChange({ type, namespace, name, kept }) {
            if (type === 'gone') say(`${kind}/${namespace}/${name} was removed`);
            else if (!shown.delete(versionOf(kept.value))) feed.push(toShown(kind, kept.value));
          },
          onState() {
            if (reflector.problem !== null) say(`${reflector.problem.message}; trying again`);
          },
        });
        reflector.listed.catch(() => undefined);
      }
      yield* feed;
    },

    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function kindsIn({ kind }: GetQuery): readonly Kind[] {
  return kind === null ? kinds : [kind];
}

function pathOfKind(kind: Kind, { namespace }: GetQuery): string {
  return pathOf(typeOfKind(kind), namespace === null ? {} : { namespace });
}

function selecting({ name }: GetQuery): { readonly fieldSelector?: string } {
  return name === null ? {} : { fieldSelector: `metadata.name=${name}` };
}

function versionOf({ metadata: { uid, resourceVersion } }: KubernetesObject): string {
  return `${uid} ${resourceVersion}`;
}

function notInstalled(kind: Kind, server: string): CommandFailed {
  return new CommandFailed(
    'refused',
    `the cluster at ${server} does not know the kind ${kind}: Headgate is not installed there`,
  );
}

function toShown(kind: Kind, object: KubernetesObject): ShownResource {
  const { managedFields: _hidden, ...metadata } = object.metadata;
  const { namespace = '', name, creationTimestamp = '' } = metadata;
  const spec = isRecord(object['spec']) ? object['spec'] : {};
  return {
    kind,
    namespace,
    name,
    pool: typeof spec['pool'] === 'string' ? spec['pool'] : '',
    createdAt: creationTimestamp,
    status: readStatus(object['status']),
    // Of a list's items the API server leaves out what they are.
    object: { apiVersion: 'headgate.dev/v1alpha1', kind, ...object, metadata },
  };
}
