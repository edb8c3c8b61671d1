import { findKubernetesBinary } from './kubernetes-binary.ts';
import { type Finished, run } from './run.ts';

export type Kubectl = {
  /** What it printed; rejects with its words when it fails. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** `kubectl apply --server-side` of one or more YAML documents; `more` are further arguments. */
  apply(yaml: string, ...more: readonly string[]): Promise<string>;
  /** For what may fail: how it ended, and what it said. */
  tryKubectl(args: readonly string[], options?: { readonly stdin?: string }): Promise<Finished>;
};

/** `kubectl` as whom and where a kubeconfig says. */
export function createKubectl(kubeconfig: string): Kubectl {
  const tryKubectl: Kubectl['tryKubectl'] = (args, { stdin = '' } = {}) =>
    run(findKubernetesBinary(), ['kubectl', ...args], {
      input: stdin,
      env: { KUBECONFIG: kubeconfig },
    });

  async function orThrow(args: readonly string[], stdin = ''): Promise<string> {
    const { code, stdout, stderr } = await tryKubectl(args, { stdin });
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr || stdout}`);
    return stdout;
  }

  return {
    tryKubectl,
    kubectl: (...args) => orThrow(args),
    apply: (yaml, ...more) => orThrow(['apply', '--server-side', '-f', '-', ...more], yaml),
  };
}
