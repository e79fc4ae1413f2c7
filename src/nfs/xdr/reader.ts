/** Bytes that are not what the XDR definition says, RFC 4506. */
export class XdrError extends Error {
  override name = 'XdrError';
}

const TWO_32 = 0x1_0000_0000;

/** Padding after `length` bytes: XDR's unit is four bytes, RFC 4506 3. */
export const padding = (length: number): number => -length & 3;

/**
 * Takes XDR apart. Every length is held against the caller's limit and against the bytes that are left, before
 * anything is allocated. Opaque data is a view into the buffer, not a copy.
 */
export class XdrReader {
  readonly #buffer: Buffer;
  #offset: number;

  constructor(buffer: Buffer, offset = 0) {
    this.#buffer = buffer;
    this.#offset = offset;
  }

  get remainingBytes(): number {
    return this.#buffer.length - this.#offset;
  }

  /** What has not been read yet. */
  rest(): Buffer {
    return this.#buffer.subarray(this.#offset);
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#take(4));
  }

  i32(): number {
    return this.#buffer.readInt32BE(this.#take(4));
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64BE(this.#take(8));
  }

  i64(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8));
  }

  /** A 64-bit number as a double: exact up to 2^53, which no file is larger than. */
  offset(): number {
    const at = this.#take(8);
    return this.#buffer.readUInt32BE(at) * TWO_32 + this.#buffer.readUInt32BE(at + 4);
  }

  bool(): boolean {
    const value = this.u32();
    if (value > 1) throw new XdrError(`${value} is no boolean`);
    return value === 1;
  }

  fixed(length: number): Buffer {
    const at = this.#take(length + padding(length));
    return this.#buffer.subarray(at, at + length);
  }

  opaque(maxBytes: number): Buffer {
    const length = this.u32();
    if (length > maxBytes) throw new XdrError(`${length} bytes where ${maxBytes} are allowed`);
    return this.fixed(length);
  }

  /** The length of an array whose elements take at least `minBytes` each. */
  count(max: number, minBytes = 4): number {
    const count = this.u32();
    if (count > max) throw new XdrError(`${count} elements where ${max} are allowed`);
    if (count * minBytes > this.remainingBytes) throw new XdrError(`${count} elements do not fit`);
    return count;
  }

  #take(length: number): number {
    const at = this.#offset;
    if (length > this.#buffer.length - at) throw new XdrError(`${length} bytes wanted, ${this.remainingBytes} left`);
    this.#offset = at + length;
    return at;
  }
}
