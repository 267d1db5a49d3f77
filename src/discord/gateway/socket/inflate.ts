/**
 * Decompresses the gateway's payloads: one stream per connection, one frame at a time.
 *
 * Barnacle uses Discord's `zlib-stream`. The window of `zstd-stream` may be 8 MiB, where zlib's is
 * 32 KiB, and it is no faster: 10,000 frames take 0.33 s on Bun, 0.07 s on Deno. On a busy
 * machine, Deno's decompression of it also stopped once in the middle.
 *
 * On Deno, a frame that is written before the last one is finished arrives out of order. So frames
 * are written one at a time. The owner of the socket bounds the waiting ones by `backlogBytes`.
 */

import { Buffer } from "node:buffer";
import zlib from "node:zlib";

/**
 * Maximum bytes of one payload, compressed as well as decompressed. A longer one is taken for a
 * decompression bomb.
 */
export const MAX_MESSAGE_BYTES = 16 << 20;

/**
 * Maximum frames of one payload. Discord sends a payload as one frame. Each more costs more memory
 * than its bytes.
 */
const MAX_FRAMES = 4_096;

const CHUNK_BYTES = 65_536;

/** The last bytes of each payload in a zlib stream (Z_SYNC_FLUSH). */
const ZLIB_END = Buffer.from([0x00, 0x00, 0xff, 0xff]);

export function createInflater(events: {
  /** Takes one decompressed payload. */
  onText(text: string): void;
  /** Everything pushed so far is decompressed. */
  onIdle(): void;
  /** The stream is broken: its owner must reconnect. */
  onError(error: Error): void;
}) {
  const stream = zlib.createInflate({ chunkSize: CHUNK_BYTES });
  let waiting: Buffer[] = [];
  let text: Buffer[] = [];
  let textBytes = 0;
  const open = { frames: 0, bytes: 0 }; // of the payload that is not whole yet
  let backlogBytes = 0;
  let isBusy = false;
  let isOver = false;

  const fail = (error: Error) => {
    if (isOver) return;
    close();
    events.onError(error);
  };
  const failAsTooLong = () => fail(new RangeError("A message is longer than 16 MiB"));
  stream.on("data", (part: Buffer) => {
    text.push(part);
    textBytes += part.length;
    if (textBytes > MAX_MESSAGE_BYTES) failAsTooLong();
  });
  stream.on("error", fail);

  function next(): void {
    const frame = waiting.shift();
    if (isOver || !frame) {
      isBusy = false;
      if (!isOver) events.onIdle();
      return;
    }
    isBusy = true;
    open.frames += 1;
    open.bytes += frame.length;
    if (open.frames > MAX_FRAMES || open.bytes > MAX_MESSAGE_BYTES) return failAsTooLong();
    stream.write(frame, (error) => {
      if (isOver) return;
      if (error) return fail(error);
      backlogBytes -= frame.length;
      if (frame.subarray(-ZLIB_END.length).equals(ZLIB_END)) {
        const whole = Buffer.concat(text, textBytes).toString();
        text = [];
        textBytes = 0;
        open.frames = 0;
        open.bytes = 0;
        events.onText(whole);
      }
      next();
    });
  }

  function close(): void {
    if (isOver) return;
    isOver = true;
    waiting = [];
    text = [];
    backlogBytes = 0;
    stream.destroy();
  }

  return {
    push(frame: Buffer): void {
      if (isOver) return;
      waiting.push(frame);
      backlogBytes += frame.length;
      if (!isBusy) next();
    },
    /** Bytes of the frames that are not decompressed yet. */
    get backlogBytes(): number {
      return backlogBytes;
    },
    /** Discards everything; no event follows. */
    close,
  };
}
