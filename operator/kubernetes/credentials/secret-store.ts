import { clusterLabels, clusterNames } from '../../../contracts/cluster-names.ts';
import { isRecord } from '../../../contracts/json.ts';
import { isConflict, isNotFound, type KubernetesApi } from '../api.ts';
import type { KubernetesObject } from '../objects.ts';
import { pathOf, resourceTypes } from '../resource-types.ts';

/** What a Secret holds, by key. */
export type Files = Readonly<Record<string, string>>;

/** The Secrets of one namespace that hold what the operator makes up. */
export type SecretStore = {
  /** `null`: there is none. */
  read(name: string): Promise<Files | null>;
  /** Makes it unless there is one by now; answers what stands there. Two operators find the same. */
  createOnce(name: string, files: Files): Promise<Files>;
  /** Makes it so, whatever was there. */
  write(name: string, files: Files): Promise<void>;
};

type Options = {
  readonly api: KubernetesApi;
  readonly namespace: string;
  /** Asked before each write: whether this operator still leads. */
  readonly mayWrite: () => boolean;
};

export function createSecretStore({ api, namespace, mayWrite }: Options): SecretStore {
  const options = { fieldManager: clusterNames.fieldManager, mayStart: mayWrite };
  const pathTo = (name: string) => pathOf(resourceTypes.secrets, { namespace, name });

  async function read(name: string): Promise<Files | null> {
    try {
      return filesIn(await api.get(pathTo(name)));
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  async function createOnce(name: string, files: Files): Promise<Files> {
    const collection = pathOf(resourceTypes.secrets, { namespace });
    try {
      const made = await api.create(collection, secret(namespace, name, files), options);
      return filesIn(made);
    } catch (error) {
      const found = isConflict(error) ? await read(name) : null;
      if (found === null) throw error;
      return found;
    }
  }

  return {
    read,
    createOnce,
    async write(name, files) {
      const known = (await read(name)) ?? (await createOnce(name, files));
      const gone = Object.keys(known).filter((key) => files[key] === undefined);
      const data = { ...encoded(files), ...Object.fromEntries(gone.map((key) => [key, null])) };
      await api.mergePatch(pathTo(name), { data }, options);
    },
  };
}

function secret(namespace: string, name: string, files: Files) {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace,
      name,
      labels: { [clusterLabels.name]: 'headgate', [clusterLabels.managedBy]: 'headgate-operator' },
    },
    type: 'Opaque',
    data: encoded(files),
  };
}

function encoded(files: Files): Files {
  const data = Object.entries(files).map(([key, text]) => [
    key,
    Buffer.from(text).toString('base64'),
  ]);
  return Object.fromEntries(data);
}

function filesIn({ data }: KubernetesObject): Files {
  const entries = isRecord(data) ? Object.entries(data) : [];
  return Object.fromEntries(
    entries.map(([key, base64]) => [key, Buffer.from(String(base64), 'base64').toString()]),
  );
}
