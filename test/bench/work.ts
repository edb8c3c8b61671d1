/** What is asked of every proxy; `clients` ask at once, each waits for its answer. */
export const works = {
  'tunnel-post': '170 KB POST over a kept tunnel',
  'tunnel-get': 'small GET over a kept tunnel',
  'connect-get': 'a CONNECT per request',
  'forward-get': 'plain forward GET',
} as const;

export type WorkName = keyof typeof works;

export const workNames = Object.keys(works) as WorkName[];

export const postBytes = 170 * 1024;

export type LoadOptions = {
  readonly work: WorkName;
  readonly proxyPort: number;
  readonly originPort: number;
  readonly clients: number;
  readonly seconds: number;
};

export type LoadResult = {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};
