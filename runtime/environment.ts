/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable is not there or makes no sense. Names it; never shows the value of another. */
export class SettingWrong extends Error {
  override readonly name = 'SettingWrong';
}

/** A variable without which nothing works. */
export function required(env: Environment, name: string): string {
  const value = env[name];
  if (value !== undefined && value !== '') return value;
  throw new SettingWrong(`${name} is not set`);
}

/** An empty variable counts as not set. */
export function optional<T>(env: Environment, name: string, otherwise: T): string | T {
  const value = env[name];
  return value === undefined || value === '' ? otherwise : value;
}

export function wholeNumber(
  env: Environment,
  name: string,
  {
    min,
    max,
    otherwise,
  }: { readonly min: number; readonly max: number; readonly otherwise: number },
): number {
  const text = optional(env, name, String(otherwise));
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new SettingWrong(`${name} is "${text}", not a whole number from ${min} to ${max}`);
}

export function oneOf<const T extends string>(
  env: Environment,
  name: string,
  values: readonly T[],
  otherwise: T,
): T {
  const text = optional(env, name, otherwise);
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw new SettingWrong(`${name} is "${text}", not one of ${values.join(', ')}`);
}

/** `0.0.0.0:9127`, `[::]:9127` */
export function hostPort(
  env: Environment,
  name: string,
  otherwise: string,
): { readonly host: string; readonly port: number } {
  const text = optional(env, name, otherwise);
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const [host, port] = [bracketed ?? plain, Number(digits)];
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new SettingWrong(`${name} is "${text}", not host:port`);
}

/** Names of pools, logs and pods: what a DNS label may be. */
export function dnsLabel(env: Environment, name: string, otherwise: string | null): string {
  const text = otherwise === null ? required(env, name) : optional(env, name, otherwise);
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new SettingWrong(
    `${name} is "${text}": lower-case letters, digits and hyphens are possible, at most 63`,
  );
}
