/**
 * A file that a person attached to a message, as Discord announces it (H7).
 *
 * All of it is untrusted: the name and the type are the sender's words, and even the size may lie.
 */

import type { Snowflake } from "./ids.ts";

/** An attached file. It survives `JSON.stringify`, because the inbox keeps it. */
export interface Attachment {
  readonly id: Snowflake<"attachment">;
  /** Name as people see it: `"report.pdf"`. */
  readonly name: string;
  /** Address to read it from; Discord lets it expire after a day. */
  readonly url: string;
  /** Size in bytes, as Discord announces it; absent for a picture of a sticker, an embed or a component. */
  readonly size?: number;
  /** Length in seconds, as the sender's client says; only of voice messages. */
  readonly durationSec?: number;
  /** Set if it is the recording of a voice message. */
  readonly isVoice?: true;
}

/** Maximum number of attachments of one message that Barnacle reads; Discord allows ten. */
export const MAX_ATTACHMENTS = 10;
