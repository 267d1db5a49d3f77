/** Types of the frame reader of `ws`, which is imported by path. The package has no types. */

import type { Buffer } from "node:buffer";
import type { Writable } from "node:stream";

/** A parser of WebSocket frames; write the received bytes to it. */
interface Receiver extends Writable {
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): this;
  on(event: "ping" | "pong", listener: (data: Buffer) => void): this;
  /** The peer's close frame; the code is 1005 if it has none. */
  on(event: "conclude", listener: (code: number, reason: Buffer) => void): this;
  /** The bytes are no valid frames. */
  on(event: "error", listener: (error: Error) => void): this;
  on(event: string, listener: (...args: never[]) => void): this;
}

/**
 * Creates a parser. `maxPayload` is in bytes. `maxFragments` bounds the frames of one message,
 * `maxBufferedChunks` the writes that one frame takes.
 */
declare const Receiver: new (options: {
  readonly isServer: boolean;
  readonly maxPayload: number;
  readonly maxFragments?: number;
  readonly maxBufferedChunks?: number;
  readonly skipUTF8Validation?: boolean;
}) => Receiver;

export default Receiver;
