/** What a load generator is told, as JSON. */
export type LoadOptions = {
  readonly port: number;
  readonly clients: number;
  readonly seconds: number;
  readonly request: AskedRequest;
  /** `host:port` that a tunnel is asked for before anything else; `null`: none is. */
  readonly tunnelTo: string | null;
  /** Whether a client asks again on the same connection. */
  readonly keeps: boolean;
};

export type AskedRequest = {
  readonly method: 'GET' | 'POST';
  readonly target: string;
  readonly host: string;
  readonly bodyBytes: number;
};

export type LoadResult = {
  /** Those that were answered 200. */
  readonly requests: number;
  readonly errors: number;
  /** Kept connections that ended while a request waited; the client asked again on a new one. */
  readonly hangUps: number;
  /** Still waiting when all was over. They count in the percentiles with the time they had waited. */
  readonly unanswered: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};
