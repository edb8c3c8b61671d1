/** A MirrorRoute as people write it: what has a default and is as it says is left out. */
export type WrittenMirrorRoute = {
  readonly apiVersion: 'headgate.dev/v1alpha1';
  readonly kind: 'MirrorRoute';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly pool?: string;
    readonly listeners: ReadonlyArray<{ readonly name: string; readonly port: number }>;
    readonly hostnames?: readonly string[];
    readonly rules: readonly WrittenRule[];
    readonly timeouts?: WrittenTimeouts;
  };
};

export type WrittenTimeouts = { readonly connect?: string; readonly bodyIdle?: string };

export type WrittenRule = {
  readonly name?: string;
  readonly matches: readonly WrittenMatch[];
  readonly filters?: readonly WrittenFilter[];
  readonly backendRefs: readonly WrittenBackend[];
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string };
  readonly mirrors?: readonly WrittenMirror[];
};

export type WrittenPath = {
  readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression';
  readonly value: string;
};

export type WrittenValueMatch = {
  readonly type?: 'RegularExpression';
  readonly name: string;
  readonly value: string;
};

export type WrittenMatch = {
  readonly path: WrittenPath;
  readonly headers?: readonly WrittenValueMatch[];
  readonly queryParams?: readonly WrittenValueMatch[];
  readonly method?: string;
};

export type WrittenField = { readonly name: string; readonly value: string };

export type WrittenHeaderChange = {
  readonly set?: readonly WrittenField[];
  readonly add?: readonly WrittenField[];
  readonly remove?: readonly string[];
};

export type WrittenRewrite = {
  readonly hostname?: string;
  readonly path?:
    | { readonly type: 'ReplaceFullPath'; readonly replaceFullPath: string }
    | { readonly type: 'ReplacePrefixMatch'; readonly replacePrefixMatch: string };
};

export type WrittenFilter =
  | {
      readonly type: 'RequestHeaderModifier';
      readonly requestHeaderModifier: WrittenHeaderChange;
    }
  | {
      readonly type: 'ResponseHeaderModifier';
      readonly responseHeaderModifier: WrittenHeaderChange;
    }
  | { readonly type: 'URLRewrite'; readonly urlRewrite: WrittenRewrite };

/** Where requests go: an address, or a Service, in the same namespace unless it names another. */
export type WrittenTarget = (
  | { readonly url: string }
  | { readonly name: string; readonly namespace?: string; readonly port: number }
) & { readonly protocol?: 'HTTP2'; readonly tls?: WrittenTls };

export type WrittenTls = { readonly hostname?: string };

export type WrittenBackend = WrittenTarget & { readonly weight?: number };

export type WrittenMirror = {
  readonly name: string;
  readonly backendRef: WrittenTarget;
  readonly fraction?: Fraction;
  readonly path?: WrittenMirrorPath;
  readonly timeouts?: MirrorTimeouts;
};

export type Fraction = { readonly numerator: number; readonly denominator: number };

export type WrittenMirrorPath = {
  readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch' | 'AddPrefix';
  readonly value: string;
};

export type MirrorTimeouts = { readonly connect: string; readonly request: string };
