import { padding } from './reader.ts';

const TWO_32 = 0x1_0000_0000;
const START_BYTES = 512;
/** From here on data is sent from where it lies; a copy of less is cheaper than one more buffer to send. */
const ATTACH_BYTES = 16_384;
const zeros = Buffer.alloc(4);

/** Puts XDR together; large data is taken in as it is, without a copy. */
export class XdrWriter {
  #buffer: Buffer;
  /** Where in `#buffer` the piece that is being written begins. */
  #start = 0;
  #end = 0;
  readonly #pieces: Buffer[] = [];
  #pieceBytes = 0;

  constructor(startBytes = START_BYTES) {
    this.#buffer = Buffer.allocUnsafe(startBytes);
  }

  get length(): number {
    return this.#pieceBytes + this.#end - this.#start;
  }

  /** What was written, in order; the writer must not be used afterwards. */
  finish(): Buffer[] {
    this.#cut();
    return this.#pieces;
  }

  /** What was written as one buffer. */
  toBuffer(): Buffer {
    const pieces = this.finish();
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  i32(value: number): void {
    const at = this.#room(4);
    this.#buffer.writeInt32BE(value, at);
  }

  u64(value: bigint): void {
    const at = this.#room(8);
    this.#buffer.writeBigUInt64BE(value, at);
  }

  i64(value: bigint): void {
    const at = this.#room(8);
    this.#buffer.writeBigInt64BE(value, at);
  }

  offset(value: number): void {
    const at = this.#room(8);
    this.#buffer.writeUInt32BE(Math.floor(value / TWO_32), at);
    this.#buffer.writeUInt32BE(value % TWO_32, at + 4);
  }

  bool(value: boolean): void {
    this.u32(value ? 1 : 0);
  }

  fixed(bytes: Uint8Array): void {
    const pad = padding(bytes.length);
    if (bytes.length >= ATTACH_BYTES) {
      this.#cut();
      this.#push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      if (pad > 0) this.#push(zeros.subarray(0, pad));
      return;
    }
    const at = this.#room(bytes.length + pad);
    this.#buffer.set(bytes, at);
    this.#buffer.fill(0, at + bytes.length, at + bytes.length + pad);
  }

  opaque(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.fixed(bytes);
  }

  /** Takes back what was written behind the first `length` bytes. */
  truncate(length: number): void {
    let excess = this.length - length;
    const fromOpen = Math.min(excess, this.#end - this.#start);
    this.#end -= fromOpen;
    excess -= fromOpen;
    while (excess > 0) {
      const last = this.#pieces.pop()!;
      this.#pieceBytes -= last.length;
      if (last.length > excess) this.#push(last.subarray(0, last.length - excess));
      excess -= Math.min(excess, last.length);
    }
  }

  /** Takes over all that another writer has. */
  append(other: XdrWriter): void {
    for (const piece of other.finish()) {
      if (piece.length >= ATTACH_BYTES) {
        this.#cut();
        this.#push(piece);
      } else {
        const at = this.#room(piece.length);
        this.#buffer.set(piece, at);
      }
    }
  }

  #push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
  }

  #cut(): void {
    if (this.#end > this.#start) this.#push(this.#buffer.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #room(length: number): number {
    const at = this.#end;
    if (at + length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, at + length));
      this.#buffer.copy(grown, this.#start, this.#start, at);
      this.#buffer = grown;
    }
    this.#end = at + length;
    return at;
  }
}
