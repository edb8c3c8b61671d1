import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { CanonicalJson } from '../canonical-json.ts';
import type { Comparison } from '../compare-answers.ts';
import type { IgnoredValues } from '../ignored-values.ts';
import type { BackgroundWork } from './background-work.ts';
import { ByteAccount } from './byte-account.ts';
import type { BodyAllowance, HeldBody } from './held-body.ts';

/** How bodies are compared as JSON, compiled once per version. */
export type JsonTerms = {
  readonly ignored: IgnoredValues;
  /** Of bodies while they are held, and once more while they are read. */
  readonly allowance: BodyAllowance;
};

export type JsonBody = { readonly held: HeldBody; readonly coding: string };

/** Whether this thread is late in what it does. */
export type Lateness = { readonly loopBusy: boolean };

type Reading = { readonly digest: string } | { readonly problem: Comparison };

const charactersAtOnce = 4096;
/** What a body takes however short it is, in characters. */
const leastSteps = 512;

/** Compares what two bodies say, a little in each turn of the loop. */
export async function compareJson(
  primary: JsonBody,
  copy: JsonBody,
  terms: JsonTerms,
  thread: Lateness,
  work: Pick<BackgroundWork, 'did'>,
): Promise<Comparison> {
  const one = await readBody(primary, terms, thread, work);
  if ('problem' in one) return one.problem;
  const other = await readBody(copy, terms, thread, work);
  if ('problem' in other) return other.problem;
  return one.digest === other.digest ? 'match' : 'body_differs';
}

async function readBody(
  { held, coding }: JsonBody,
  terms: JsonTerms,
  thread: Lateness,
  work: Pick<BackgroundWork, 'did'>,
): Promise<Reading> {
  if (thread.loopBusy) return { problem: 'loop_busy' };
  const { maxBytes } = terms.allowance.body;
  const account = new ByteAccount(terms.allowance);
  if (!account.take(coding === 'identity' ? held.length : maxBytes)) {
    return { problem: 'buffer_bytes' };
  }
  try {
    const bytes = await decoded(Buffer.concat(held.pieces), coding, maxBytes);
    if (bytes === null) return { problem: 'incomparable' };
    const text = textOf(bytes);
    if (text === null) return { problem: 'invalid_json' };
    const json = new CanonicalJson(text, terms.ignored, digest);
    return await readThrough(json, thread, work);
  } finally {
    account.giveBack();
  }
}

async function readThrough(
  json: CanonicalJson,
  thread: Lateness,
  work: Pick<BackgroundWork, 'did'>,
): Promise<Reading> {
  for (;;) {
    const before = json.position;
    const reading = json.readOn(charactersAtOnce);
    await work.did(Math.max(json.position - before, leastSteps));
    if (reading !== null) return reading;
    if (thread.loopBusy) return { problem: 'loop_busy' };
  }
}

const digest = (text: string): string => hash('sha256', text, 'base64');

type Decode = (body: Buffer, limit: { readonly maxOutputLength: number }) => Promise<Buffer>;

const decoders: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/** `null`: it is in no coding that is read, damaged, or longer than that. */
async function decoded(body: Buffer, coding: string, maxBytes: number): Promise<Buffer | null> {
  if (coding === 'identity') return body;
  const decode = decoders.get(coding);
  if (decode === undefined) return null;
  const limit = { maxOutputLength: Math.max(1, maxBytes) };
  return decode(body, limit).catch(() => null); // whatever zlib says of it
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `null`: that is no UTF-8. */
function textOf(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}
