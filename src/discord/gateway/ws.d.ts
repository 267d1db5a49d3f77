/** The two halves of `ws` that are imported by path; its package brings no types. */

import type { Buffer } from "node:buffer";
import type { Duplex, Writable } from "node:stream";

export interface Receiver extends Writable {
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): this;
  on(event: "ping" | "pong", listener: (data: Buffer) => void): this;
  on(event: "conclude", listener: (code: number, reason: Buffer) => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  on(event: string, listener: (...args: never[]) => void): this;
}

export const Receiver: new (options: {
  readonly isServer: boolean;
  readonly maxPayload: number;
  readonly skipUTF8Validation?: boolean;
}) => Receiver;

export interface Sender {
  send(
    data: string | Buffer,
    options: {
      readonly binary: boolean;
      readonly mask: boolean;
      readonly fin: boolean;
      readonly compress: boolean;
    },
    done?: () => void,
  ): void;
  ping(data: string | Buffer, mask: boolean): void;
  pong(data: string | Buffer, mask: boolean): void;
  close(code: number | undefined, data: string, mask: boolean, done?: () => void): void;
}

export const Sender: new (socket: Duplex, extensions: Readonly<Record<string, never>>) => Sender;
