import { createValidator, type Validator } from '../operator/schema/validator.ts';

let validator: Validator | undefined;

/** What an API server or the operator would refuse about a resource, one line per field. */
export function findResourceProblems(resource: unknown): string[] {
  validator ??= createValidator();
  const validated = validator.validate(resource);
  return validated.ok ? [] : validated.problems.map(({ field, message }) => `${field}: ${message}`);
}
