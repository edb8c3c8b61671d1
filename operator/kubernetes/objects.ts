import { isRecord, type JsonRecord } from '../../contracts/json.ts';

/** What every object of the API server has. The rest of it is unknown until somebody checked it. */
export type KubernetesObject = JsonRecord & { readonly metadata: Metadata };

export type Metadata = JsonRecord & {
  readonly name: string;
  readonly resourceVersion: string;
  /** Empty for objects of the whole cluster. */
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
};

export function isKubernetesObject(value: unknown): value is KubernetesObject {
  if (!isRecord(value)) return false;
  const { metadata } = value;
  return (
    isRecord(metadata) &&
    typeof metadata['name'] === 'string' &&
    typeof metadata['resourceVersion'] === 'string'
  );
}

/** Names an object among those of its type. */
export function objectId({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
