/** Reads pieces of a stream, and is the error of what is no whole archive. */

import { Buffer } from "node:buffer";

/** The bytes are no archive of this kind, or only a part of one. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
  /** `cut`: a part is missing or changed. `foreign`: it has something that Barnacle never writes. */
  readonly kind: "cut" | "foreign";

  /** Creates the error. @param message The fault, as a part of a sentence. */
  constructor(kind: ArchiveError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The error of bytes that are not as they were written. */
export function damagedError(): ArchiveError {
  return new ArchiveError("cut", "a part of it is missing or changed");
}

/** Cuts a stream into pieces. @throws {ArchiveError} `cut`, if it ends too early. */
export function createSource(chunks: AsyncIterable<Uint8Array>) {
  const iterator = chunks[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array(0);

  async function isAtEnd(): Promise<boolean> {
    while (held.length === 0) {
      const { done, value } = await iterator.next();
      if (done) return true;
      held = value;
    }
    return false;
  }

  /** Takes up to so many bytes, at least one. */
  async function some(most: number): Promise<Uint8Array> {
    if (await isAtEnd()) throw new ArchiveError("cut", "its end is missing");
    const taken = held.subarray(0, most);
    held = held.subarray(taken.length);
    return taken;
  }

  return {
    isAtEnd,
    /** Takes exactly so many bytes. */
    async take(bytes: number): Promise<Uint8Array> {
      const parts: Uint8Array[] = [];
      for (let left = bytes; left > 0;) {
        const part = await some(left);
        parts.push(part);
        left -= part.length;
      }
      return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    },
    /** Ends the stream, which closes its file. Each reader calls it, whatever it has read. */
    async close(): Promise<void> {
      await iterator.return?.();
    },
  };
}
