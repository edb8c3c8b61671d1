/** What we tell the other side of a connection, clients and origins alike: what Envoy advises at an edge. */

/** Requests at once. */
export const maxStreams = 100;

/**
 * What one stream may hold of a body that is read slower than it comes; so a connection holds 6.25 MiB
 * at most. Its own window does not bound that: Node gives it back as bytes come, not as they are read
 * (measured on 26.10). It is only to be no brake.
 */
export const streamWindowBytes = 64 * 1024;
export const connectionWindowBytes = 1024 * 1024;

/** Node's own limit of pairs would refuse heads before ours, which says why, sees them. */
export const maxPairs = 2048;
export const maxHeadBytes = 72 * 1024;

/** What nghttp2 counts is more than what we do: over its limit it would end the whole session. */
export const maxSentHeadBytes = 256 * 1024;
