import { ProxyError } from '../contracts/errors.ts';
import { LogFull, LogInUse, LogUnavailable, NoLongerLeader } from '../event-log/event-log.ts';
import { SealingKeysUnusable } from '../event-log/sealing-keys.ts';
import { ApiError } from '../operator/kubernetes/api.ts';
import { CommandFailed } from './exit-codes.ts';

/** What went wrong in the words and with the exit code of the CLI; `null`: a bug. */
export function toFailure(error: unknown): CommandFailed | null {
  if (error instanceof CommandFailed) return error;
  if (error instanceof LogInUse) return new CommandFailed('taken', error.message);
  if (error instanceof LogUnavailable || error instanceof LogFull) {
    return new CommandFailed('unreachable', error.message);
  }
  if (error instanceof NoLongerLeader) {
    return new CommandFailed('replaced', `another process leads this log now: ${error.message}`);
  }
  if (error instanceof ApiError) return apiFailure(error);
  if (error instanceof SealingKeysUnusable) return new CommandFailed('refused', error.message);
  if (error instanceof ProxyError && error.code === 'proxy_configuration_error') {
    return new CommandFailed('refused', error.message);
  }
  return systemFailure(error);
}

const untrusted = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_)/;

/** In the API server's words, which name verb and resource. */
function apiFailure(error: ApiError): CommandFailed {
  const { status, message, cause } = error;
  if (status === 401) {
    const advice = 'the API server does not accept the credentials of this kubeconfig';
    return new CommandFailed('refused', `${advice}: ${message}`);
  }
  if (status !== 0) return new CommandFailed(status >= 500 ? 'unreachable' : 'refused', message);
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const advice = untrusted.test(code)
    ? "; the server's certificate is not trusted: see certificate-authority in the kubeconfig"
    : '';
  return new CommandFailed('unreachable', `${message}${advice}`);
}

const fileTroubles = [
  'ENOENT',
  'EACCES',
  'EPERM',
  'ENOTDIR',
  'EISDIR',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
];

/** Files that cannot be read or written: a matter of the command line, not of ours. */
function systemFailure(error: unknown): CommandFailed | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return fileTroubles.includes(String(error.code))
    ? new CommandFailed('refused', error.message)
    : null;
}
