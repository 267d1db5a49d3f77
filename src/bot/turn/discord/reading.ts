/**
 * Shows messages of Discord to the model, by the same policy as live ones (P10).
 *
 * @module
 */

import { z } from "zod";
import { type AccountId, createdAtMs, type GuildId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import { toOverheard } from "../../../core/inbound/transcript.ts";
import type { Verdict } from "../../../core/inbound/verdict.ts";
import type { ShownMessage } from "../../../core/turn/ports/discord.ts";
import { decodeHistory } from "../../../discord/gateway/decode/decode.ts";
import type { Reader } from "../../../discord/gateway/read/reader.ts";
import type { RawMessage } from "../../../discord/rest/calls/history.ts";
import { mayBeSeen } from "../../../flows/turn/backfill.ts";

/** The sources of shown messages. */
export interface ShowOptions {
  readonly accountId: AccountId;
  readonly reader: Pick<Reader, "self" | "index">;
  /** Judges a message by the current policy. */
  readonly admit: (message: InboundMessage) => Verdict;
}

/** The fields of a message that need no decoding. */
const ownSchema = z.object({
  id: snowflakeSchema<"message">(),
  timestamp: z.string().default(""),
  content: z.string().default(""),
  message_reference: z.object({ message_id: snowflakeSchema<"message">().optional() }).nullish(),
});

/**
 * Shows a message.
 *
 * @returns `undefined` if the model may not see it, or if no person and no bot wrote it.
 */
export type Show = (
  raw: RawMessage,
  place: { readonly guildId?: GuildId; readonly isGroup: boolean },
) => ShownMessage | undefined;

/** Creates a {@link Show}. */
export function createShow({ accountId, reader, admit }: ShowOptions): Show {
  return (raw, { guildId, isGroup }) => {
    const { self, index } = reader;
    const plain = ownSchema.safeParse(raw).data;
    if (!self || !plain) return undefined;
    const { id, timestamp, content, message_reference } = plain;
    const times = { id, timestamp, timestampMs: createdAtMs(id) };
    const event = decodeHistory(raw, guildId, { accountId, self, index }, isGroup);
    switch (event?.kind) {
      case "own_message": {
        const replyTo = message_reference?.message_id;
        return {
          ...times,
          from: "you",
          fromId: self.userId,
          text: content,
          ...(replyTo && { replyTo }),
        };
      }
      case "message": {
        if (!mayBeSeen(admit(event))) return undefined;
        const { tag, authorId, text, replyTo } = toOverheard(event);
        return { ...times, from: tag, fromId: authorId, text, ...(replyTo && { replyTo }) };
      }
      default:
        return undefined;
    }
  };
}
