import { type ParsedDocument, parseFile } from '../../operator/directory/parse-file.ts';
import { type Found, foundIn } from './found.ts';
import type { Reader } from './reader.ts';

/** A file as it was given on the command line. */
export type Input = { readonly file: string; readonly bytes: Uint8Array };

/** The objects of a YAML or JSON file, those of lists (`kubectl get -o yaml`) one by one. */
export function readObjects(read: Reader, { file, bytes }: Input): readonly Found[] {
  const { documents, problems } = parseFile(bytes);
  for (const { line, message } of problems) read.refuse({ place: `${file}:${line}` }, message);
  return documents.flatMap((document) => objectsIn(read, file, document));
}

function objectsIn(read: Reader, file: string, document: ParsedDocument): readonly Found[] {
  const whole = foundIn(file, document);
  if (Array.isArray(whole.value)) return read.items(whole);
  const kind = whole.at('kind').value;
  const isList = typeof kind === 'string' && kind.endsWith('List');
  return isList ? read.items(whole.at('items')) : [whole];
}
