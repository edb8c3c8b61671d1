/** What the tests use of the npm package `socksv5`, as a client only. */
declare module 'socksv5' {
  import type { Socket } from 'node:net';

  type Authentication = { readonly METHOD: number };
  const socks: {
    readonly auth: {
      None(): Authentication;
      UserPassword(user: string, password: string): Authentication;
    };
    connect(
      options: {
        readonly host: string;
        readonly port: number;
        readonly proxyHost: string;
        readonly proxyPort: number;
        readonly localDNS?: boolean;
        readonly strictLocalDNS?: boolean;
        readonly auths: readonly Authentication[];
      },
      connected: (socket: Socket) => void,
    ): Socket;
  };
  export = socks;
}
