import { ApiError } from '../api.ts';
import { NotNow } from './object-writer.ts';

/** Says what stands in the way, once, and once that it does no more. */
export type ProblemReports = {
  failed(id: string, error: unknown): void;
  succeeded(id: string): void;
};

export type ProblemListener = {
  onProblem(where: string, message: string): void;
  onProblemSolved(where: string): void;
};

/** `id` names what was to be made true; many may fail for one and the same reason. */
export function createProblemReports({
  onProblem,
  onProblemSolved,
}: ProblemListener): ProblemReports {
  const whereOf = new Map<string, string>();

  function succeeded(id: string): void {
    const where = whereOf.get(id);
    if (where === undefined) return;
    whereOf.delete(id);
    if (![...whereOf.values()].includes(where)) onProblemSolved(where);
  }

  return {
    succeeded,
    failed(id, error) {
      if (!needsSomebody(error)) return;
      const where = isForbidden(error) ? 'kubernetes/rbac' : id;
      if (whereOf.get(id) === where) return;
      succeeded(id);
      const isNew = ![...whereOf.values()].includes(where);
      whereOf.set(id, where);
      if (isNew) onProblem(where, error.message);
    },
  };
}

/** An API server that is away comes back; what it refuses it goes on refusing. */
function needsSomebody(error: unknown): error is Error {
  if (error instanceof NotNow) return false;
  if (error instanceof ApiError) return [400, 403, 404, 413, 422].includes(error.status);
  return error instanceof Error;
}

function isForbidden(error: unknown): boolean {
  return error instanceof ApiError && error.status === 403;
}
