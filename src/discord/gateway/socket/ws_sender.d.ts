/** Types of the frame writer of `ws`, which is imported by path. The package has no types. */

import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";

/** A writer of WebSocket frames to one stream. */
declare class WsSender {
  constructor(socket: Duplex, extensions: Readonly<Record<string, never>>);
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

export default WsSender;
