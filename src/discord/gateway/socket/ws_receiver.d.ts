/** The half of `ws` that reads frames, imported by path; its package brings no types. */

import type { Buffer } from "node:buffer";
import type { Writable } from "node:stream";

interface Receiver extends Writable {
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): this;
  on(event: "ping" | "pong", listener: (data: Buffer) => void): this;
  on(event: "conclude", listener: (code: number, reason: Buffer) => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  on(event: string, listener: (...args: never[]) => void): this;
}

declare const Receiver: new (options: {
  readonly isServer: boolean;
  readonly maxPayload: number;
  readonly skipUTF8Validation?: boolean;
}) => Receiver;

export default Receiver;
