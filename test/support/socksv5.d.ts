/** What the tests use of the npm package `socksv5`, as a client only. */
declare module 'socksv5' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  type Authentication = { readonly METHOD: number };
  const socks: {
    readonly auth: {
      None(): Authentication;
      UserPassword(user: string, password: string): Authentication;
    };
    /** `socks.connect` needs a function that Node has long dropped; this still works. */
    readonly Client: new (options: {
      readonly proxyHost: string;
      readonly proxyPort: number;
      readonly localDNS: boolean;
      readonly auths: readonly Authentication[];
    }) => EventEmitter & {
      connect(
        options: { readonly host: string; readonly port: number },
        connected: (socket: Socket) => void,
      ): void;
    };
  };
  export = socks;
}
