/** The half of `ws` that writes frames, imported by path; its package brings no types. */

import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";

interface Sender {
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

declare const Sender: new (socket: Duplex, extensions: Readonly<Record<string, never>>) => Sender;

export default Sender;
