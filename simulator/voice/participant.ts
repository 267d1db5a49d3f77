/** Declares an end of a call. */

import type { UserId } from "../../src/core/discord/ids.ts";
import type { Media } from "./packets.ts";

/** One end of a call: a client's connection, or a person of the simulator. */
export interface Participant {
  readonly userId: UserId;
  readonly ssrc: number;
  /** Gets a message of the voice gateway. */
  tell(op: number, d: unknown): void;
  /** Gets a binary message, which starts after its opcode. */
  tellBinary(op: number, body: Uint8Array): void;
  hear(from: UserId, media: Media): void;
}
