import type { DrainConfig, Limits, Timeouts } from '../../contracts/kinds/serving.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import type { Cidr } from '../protocols/ip-address.ts';
import type { RequestType } from './access-log.ts';
import type { TlsListener } from './tls-listener.ts';

/** On what terms clients are served, by the newest version of a resource. */
export type ServingTerms = {
  readonly resource: ResourceKey & { readonly uid: string; readonly sequence: number };
  readonly listeners: ReadonlyMap<string, ListenerTerms>;
  readonly timeouts: Timeouts;
  readonly limits: Limits;
  readonly drain: DrainConfig;
  readonly via: { readonly enabled: boolean; readonly pseudonym: string };
  readonly forwardedHeader: 'None' | 'Forwarded' | 'XForwardedFor';
  readonly accessLog: { readonly enabled: boolean; readonly redactQuery: boolean };
};

export type ListenerTerms = {
  readonly protocol: 'HTTP' | 'HTTPS' | 'SOCKS' | 'Mixed';
  /** `null`: clients speak without TLS. */
  readonly tls: TlsListener | null;
  readonly allowedClients: readonly Cidr[];
};

/** What is counted of clients, whatever serves them. */
export type ClientMeters = {
  connectionOpened(listener: string): void;
  connectionClosed(): void;
  protocolSeen(listener: string, protocol: string): void;
  tunnelEstablished(type: RequestType, seconds: number): void;
  tunnelEnded(reason: string, seconds: number): void;
  bytes(received: number, sent: number): void;
};
