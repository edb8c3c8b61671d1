import type { ServiceDefinition } from '@grpc/grpc-js';

const asBytes = (message: Buffer) => message;
const method = {
  requestSerialize: asBytes,
  requestDeserialize: asBytes,
  responseSerialize: asBytes,
  responseDeserialize: asBytes,
};

/** Two methods over raw bytes: what passes a proxy does not depend on what is in a message. */
export const echoService = {
  say: { ...method, path: '/headgate.test.Echo/Say', requestStream: false, responseStream: false },
  chat: { ...method, path: '/headgate.test.Echo/Chat', requestStream: true, responseStream: true },
} as const satisfies ServiceDefinition;
