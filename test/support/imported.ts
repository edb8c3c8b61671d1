import { importApisix } from '../../cli/import-apisix/import-apisix.ts';
import { formatFinding } from '../../cli/import-apisix/reader.ts';
import type { WrittenMirrorRoute, WrittenRule } from '../../cli/import-apisix/written.ts';
import { createValidator } from '../../operator/schema/validator.ts';

const validator = createValidator();

export type ImportedText = {
  readonly routes: readonly WrittenMirrorRoute[];
  /** Rules of all of them. */
  readonly rules: readonly WrittenRule[];
  /** One line for each finding. */
  readonly told: readonly string[];
  /** Those of what was refused. */
  readonly refused: readonly string[];
};

/** What the configuration of APISIX in a text becomes, as `headgate import apisix` would print it. */
export function imported(text: string, options: { readonly port?: number } = {}): ImportedText {
  const { routes, findings } = importApisix(
    [{ file: 'in', bytes: Buffer.from(text) }],
    { namespace: 'default', pool: 'default', port: options.port ?? 9080 },
    validator,
  );
  return {
    routes,
    rules: routes.flatMap(({ spec }) => spec.rules),
    told: findings.map(formatFinding),
    refused: findings.filter(({ refused }) => refused).map(formatFinding),
  };
}

/** A route of the Admin API that is mirrored, with other fields beside or in place of its own. */
export function adminRoute(fields: object = {}): string {
  return JSON.stringify({
    id: 'shop',
    uri: '/*',
    plugins: { 'proxy-mirror': { host: 'http://mirror.example' } },
    upstream: { type: 'roundrobin', nodes: { 'shop.example': 1 } },
    ...fields,
  });
}

/** The same with this configuration of proxy-mirror, and other plugins beside it. */
export function mirroredBy(mirror: object, others: object = {}, fields: object = {}): string {
  const plugins = { 'proxy-mirror': { host: 'http://mirror.example', ...mirror }, ...others };
  return adminRoute({ plugins, ...fields });
}

/** An ApisixRoute with one rule, that is mirrored unless `more` says otherwise. */
export const apisixRoute = (rule: string, more = '') => `
apiVersion: apisix.apache.org/v2
kind: ApisixRoute
metadata: {name: shop, namespace: team-a}
spec:
  http:
    - name: cart
      match: {paths: [/cart]}
      plugins:
        - {name: proxy-mirror, enable: true, config: {host: "http://mirror.example"}}
${rule.replaceAll(/^/gm, '      ')}
---
${more}`;
