/** Documents of a Service `NAMESPACE/NAME` with port 80, and of who serves it: one EndpointSlice per port on 127.0.0.1. */
export function service(name: string, ports: readonly number[], namespace = 'test'): string {
  const metadata = { name, namespace };
  const documents = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { ports: [{ name: 'http', port: 80 }] },
    },
    ...ports.map((port, index) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        ...metadata,
        name: `${name}-${index}`,
        labels: { 'kubernetes.io/service-name': name },
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port }],
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    })),
  ];
  return documents.map((document) => `---\n${JSON.stringify(document)}\n`).join('');
}
