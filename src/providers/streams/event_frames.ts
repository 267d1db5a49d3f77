/**
 * Reads Amazon's event streams: binary frames with headers and a payload of JSON.
 *
 * @see {@link https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html}
 */

import { crc32 } from "node:zlib";

interface EventFrame {
  /** Headers that are texts, by name: `":event-type"`, `":exception-type"`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
}

/** Bytes of both lengths and their checksum; and of the checksum behind the payload. */
const PRELUDE = 12;
const CHECKSUM = 4;

/** Bytes of a header's value by its type; a text or a byte array has its length before it. */
const SIZES: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16];
const TEXT = 7;

export function createEventFrames() {
  const decoder = new TextDecoder();
  let unread = new Uint8Array();
  return {
    /**
     * Adds bytes.
     *
     * @returns The frames that are whole now; `undefined` if the bytes are no such stream.
     */
    read(bytes: Uint8Array): readonly EventFrame[] | undefined {
      const all = new Uint8Array(unread.length + bytes.length);
      all.set(unread);
      all.set(bytes, unread.length);
      const frames: EventFrame[] = [];
      let from = 0;
      while (all.length - from >= PRELUDE) {
        const view = new DataView(all.buffer, from);
        const length = view.getUint32(0);
        const headers = view.getUint32(4);
        // The checksum guards the lengths; TLS guards the rest.
        if (crc32(all.subarray(from, from + 8)) !== view.getUint32(8)) return undefined;
        if (length < PRELUDE + headers + CHECKSUM) return undefined;
        if (all.length - from < length) break;
        const payload = all.subarray(from + PRELUDE + headers, from + length - CHECKSUM);
        frames.push({
          headers: headersIn(all.subarray(from + PRELUDE, from + PRELUDE + headers), decoder),
          payload: decoder.decode(payload),
        });
        from += length;
      }
      unread = all.slice(from);
      return frames;
    },
  };
}

function headersIn(bytes: Uint8Array, decoder: TextDecoder): Readonly<Record<string, string>> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headers: Record<string, string> = {};
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + (bytes[at] ?? 0);
    if (nameEnd >= bytes.length) break;
    const name = decoder.decode(bytes.subarray(at + 1, nameEnd));
    const type = bytes[nameEnd] ?? 0;
    const fixed = SIZES[type];
    const start = nameEnd + (fixed === undefined ? 3 : 1);
    if (start > bytes.length) break;
    const end = start + (fixed ?? view.getUint16(nameEnd + 1));
    if (type === TEXT) headers[name] = decoder.decode(bytes.subarray(start, end));
    at = end;
  }
  return headers;
}
