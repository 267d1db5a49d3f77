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
import { type FooterOf, withoutFooter } from "../../../core/outbound/footer_line.ts";
import type { Verdict } from "../../../core/inbound/verdict.ts";
import type { ShownMessage } from "../../../core/turn/ports/discord.ts";
import { decodeHistory } from "../../../discord/gateway/decode/decode.ts";
import { fullText, POLL_RESULT } from "../../../discord/gateway/decode/describe.ts";
import { contentPayload } from "../../../discord/gateway/decode/payloads.ts";
import type { Reader } from "../../../discord/gateway/read/reader.ts";
import type { RawMessage } from "../../../discord/rest/calls/history.ts";
import { mayBeSeen } from "../../../flows/turn/backfill.ts";
import { withoutSpoilers } from "../../../lib/text/quoted.ts";

/** The sources of shown messages. */
export interface ShowOptions {
  /** The account. */
  readonly accountId: AccountId;
  /** The account's own user and its guilds, as the gateway told them. */
  readonly reader: Pick<Reader, "self" | "index">;
  /** Judges a message by the current policy. */
  readonly admit: (message: InboundMessage) => Verdict;
  /** Finds the footer of a message of the bot, which the model never sees. */
  readonly footerOf: FooterOf;
}

/** The fields of a message that need no decoding. */
const ownSchema = contentPayload.extend({
  id: snowflakeSchema<"message">(),
  type: z.number().default(0),
  author: z.object({ id: z.string() }).optional().catch(undefined),
  timestamp: z.string().default(""),
  message_reference: z.object({ message_id: snowflakeSchema<"message">().optional() }).nullish(),
});

/** The place of a shown message. */
export interface ShownPlace {
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** Whether the channel is a group of direct messages. */
  readonly isGroup: boolean;
  /** Whether the turn is in another channel: it then sees no text behind a spoiler (H9). */
  readonly isElsewhere: boolean;
}

/**
 * Shows a message.
 *
 * @returns `undefined` if the model may not see it, or if no person and no bot wrote it.
 */
export type Show = (raw: RawMessage, place: ShownPlace) => Promise<ShownMessage | undefined>;

/** Shows messages, without those that the model may not see. */
export async function showAll(
  show: Show,
  raw: readonly RawMessage[],
  place: ShownPlace,
): Promise<readonly ShownMessage[]> {
  const shown = await Promise.all(raw.map((one) => show(one, place)));
  return shown.filter((one) => one !== undefined);
}

/** Creates a {@link Show}. */
export function createShow({ accountId, reader, admit, footerOf }: ShowOptions): Show {
  return async (raw, { guildId, isGroup, isElsewhere }) => {
    const { self, index } = reader;
    const plain = ownSchema.safeParse(raw).data;
    if (!self || !plain) return undefined;
    const { id, type, author, timestamp, message_reference } = plain;
    const times = { id, timestamp, timestampMs: createdAtMs(id) };
    const shownText = (text: string) => isElsewhere ? withoutSpoilers(text) : text;
    const event = decodeHistory(raw, guildId, { accountId, self, index }, isGroup);
    const isOwnPollResult = type === POLL_RESULT && author?.id === self.userId;
    if (event?.kind === "own_message" || isOwnPollResult) {
      const replyTo = message_reference?.message_id;
      return {
        ...times,
        from: "you",
        fromId: self.userId,
        text: shownText(await withoutFooter(fullText(plain), id, footerOf)),
        ...(replyTo && { replyTo }),
      };
    }
    if (event?.kind !== "message" || !mayBeSeen(admit(event))) return undefined;
    const { tag, authorId, text, replyTo } = toOverheard(event);
    return {
      ...times,
      from: tag,
      fromId: authorId,
      text: shownText(text),
      ...(replyTo && { replyTo }),
    };
  };
}
