/**
 * Types of the two halves of the real `ws` that the simulator uses.
 *
 * Under Bun the bare name `ws` is Bun's own shim. So the package is imported by path, and a path
 * has no types.
 */

import type { Buffer } from "node:buffer";
import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";

export class Receiver extends EventEmitter {
  constructor(options: {
    readonly isServer: boolean;
    readonly maxPayload: number;
    readonly skipUTF8Validation?: boolean;
  });
  write(chunk: Uint8Array): boolean;
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): this;
  on(event: "ping" | "pong", listener: (data: Buffer) => void): this;
  on(event: "conclude", listener: (code: number, reason: Buffer) => void): this;
  on(event: "error", listener: (error: Error) => void): this;
}

export class Sender {
  constructor(socket: Duplex, extensions: Readonly<Record<string, never>>);
  send(
    data: string | Uint8Array,
    options: { readonly fin: boolean; readonly binary: boolean; readonly mask: boolean },
  ): void;
  pong(data: Uint8Array, mask: boolean): void;
  close(code: number | undefined, reason: string, mask: boolean, done?: () => void): void;
}
