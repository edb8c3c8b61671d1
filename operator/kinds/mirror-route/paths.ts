import { hasDotSegment } from '../../../contracts/kinds/mirror-route/dot-segments.ts';
import type { FieldReader } from '../resolve-fields.ts';

/** A path that the definition lets through, or a refusal. */
export function readPath(read: FieldReader, field: string, path: string): string {
  if (hasDotSegment(path)) {
    read.refuse(
      field,
      `"${path}" has "." or ".." between slashes: some servers read it as another path, so no request with one is routed by its path`,
    );
  }
  return path;
}
