// Placeholder: generated from crds/forward-proxy.yaml by `npm run generate`.
export type ForwardProxySpec = Record<string, unknown>;
