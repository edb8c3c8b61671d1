import type { MirrorConfig } from '../../../../contracts/kinds/mirror-route/config.ts';
import { ByteAccount, type ByteAllowance } from './byte-account.ts';
import type { SkipReason } from './skip-reasons.ts';

/** What one body may take, and all that is held for one mirror. */
export type BodyAllowance = ByteAllowance & {
  readonly body: Pick<MirrorConfig['body'], 'maxBytes' | 'onOverflow'>;
};

/** Chunks from here on are kept as they are. */
const largeBytes = 16 * 1024;
/** Each slab is twice as large as the one before it, up to `maxSlabBytes`. */
const firstSlabBytes = 4 * 1024;
const maxSlabBytes = 64 * 1024;

/**
 * The body of a message, for a copy or to be compared, accounted for until given back. It holds the
 * very chunks that others get; but small ones that follow others are put together in slabs: a body of one-byte
 * chunks would take a hundred times what is said of it, and a write for each byte.
 */
export class HeldBody {
  readonly #body: BodyAllowance['body'];
  readonly #account: ByteAccount;
  #pieces: Buffer[] = [];
  #slab: Buffer = nothing;
  #slabUsed = 0;
  #nextSlabBytes = firstSlabBytes;
  #received = 0;
  #kept = 0;
  #truncated = false;

  constructor(allowance: BodyAllowance) {
    this.#body = allowance.body;
    this.#account = new ByteAccount(allowance);
  }

  /** Why this body cannot be copied; `null`: it can, in part if that is what `onOverflow` says. */
  add(chunk: Buffer): SkipReason | null {
    this.#received += chunk.length;
    if (this.#truncated) return null;
    const { maxBytes, onOverflow } = this.#body;
    const fits = this.#received <= maxBytes;
    if (!fits && onOverflow === 'Skip') return 'body_too_large';
    const held = this.#hold(fits ? chunk : beginning(chunk, maxBytes - this.#kept));
    if (!held && onOverflow === 'Skip') return 'buffer_bytes';
    this.#truncated = !held || !fits;
    return null;
  }

  /** What was kept, in order; nothing is added any more. */
  get pieces(): readonly Buffer[] {
    this.#closeSlab();
    return this.#pieces;
  }

  get length(): number {
    return this.#kept;
  }

  /** How long the body was of which only a part was kept; `null`: all was. */
  get truncatedFrom(): number | null {
    return this.#truncated ? this.#received : null;
  }

  /** Later calls do nothing. */
  release(): void {
    this.#account.giveBack();
    this.#pieces = [];
    this.#slab = nothing;
  }

  #hold(chunk: Buffer): boolean {
    const small = chunk.length < largeBytes && this.#kept > 0;
    if (!(small ? this.#addToSlab(chunk) : this.#addPiece(chunk))) return false;
    this.#kept += chunk.length;
    return true;
  }

  #addPiece(chunk: Buffer): boolean {
    if (!this.#account.take(chunk.length)) return false;
    this.#closeSlab();
    if (chunk.length > 0) this.#pieces.push(chunk);
    return true;
  }

  #addToSlab(chunk: Buffer): boolean {
    if (chunk.length > this.#slab.length - this.#slabUsed) {
      const bytes = Math.max(this.#nextSlabBytes, chunk.length);
      if (!this.#account.take(bytes)) return false;
      this.#closeSlab();
      this.#slab = Buffer.allocUnsafeSlow(bytes);
      this.#nextSlabBytes = Math.min(2 * this.#nextSlabBytes, maxSlabBytes);
    }
    this.#slabUsed += chunk.copy(this.#slab, this.#slabUsed);
    return true;
  }

  /** What is in it is a piece; what is left of it takes what comes later. */
  #closeSlab(): void {
    if (this.#slabUsed > 0) this.#pieces.push(this.#slab.subarray(0, this.#slabUsed));
    this.#slab = this.#slab.subarray(this.#slabUsed);
    this.#slabUsed = 0;
  }
}

/** A copy: a view would keep all of the chunk, of which only the part is accounted for. */
function beginning(chunk: Buffer, bytes: number): Buffer {
  const part = Buffer.allocUnsafeSlow(bytes);
  chunk.copy(part);
  return part;
}

const nothing: Buffer = Buffer.alloc(0);
