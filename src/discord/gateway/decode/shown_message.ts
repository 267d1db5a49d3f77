/** Shows messages of Discord to the model, by the same policy as live ones (P10). */

import { z } from "zod";
import { type AccountId, createdAtMs } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import type { InboundMessage, Self } from "../../../core/inbound/inbound.ts";
import { toOverheard } from "../../../core/inbound/transcript.ts";
import {
  type FooterOf,
  withoutFooter,
  withoutPersonal,
} from "../../../core/outbound/footer_line.ts";
import type {
  RawMessage,
  ShownMessage,
  ShownPlace,
} from "../../../core/turn/ports/discord_call.ts";
import { withoutSpoilers } from "../../../lib/text/quoted.ts";
import { decodeHistory } from "./decode.ts";
import { fullText, POLL_RESULT } from "./describe.ts";
import type { GuildIndex } from "./guild_index.ts";
import { optional, textOr } from "../../../core/discord/lenient.ts";
import { contentFields } from "./payloads.ts";

/** The fields of a message that need no decoding. */
const ownSchema = z.lazy(() =>
  z.object({
    ...contentFields(),
    id: snowflakeSchema<"message">(),
    type: z.number().nullish().transform((type) => type ?? 0),
    author: optional(z.object({ id: snowflakeSchema<"user">() })),
    timestamp: textOr(""),
    message_reference: optional(z.object({ message_id: optional(snowflakeSchema<"message">()) })),
  })
);

/** Shows a message to the model; `undefined` if it has no part that the model may see. */
export async function showMessage(
  raw: RawMessage,
  { guildId, isGroup, isElsewhere }: ShownPlace,
  { accountId, reader: { self, index }, maySee, footerOf }: {
    readonly accountId: AccountId;
    /** The account's own user and its guilds, as the gateway told them. */
    readonly reader: { readonly self?: Self | undefined; readonly index: GuildIndex };
    /** Whether the current policy lets the model see a message. */
    readonly maySee: (message: InboundMessage) => boolean;
    /** Finds the footer of a message of the bot, which the model never sees. */
    readonly footerOf: FooterOf;
  },
): Promise<ShownMessage | undefined> {
  const plain = ownSchema.safeParse(raw).data;
  if (!self || !plain) return undefined;
  const { id, type, author, timestamp, message_reference } = plain;
  const times = { id, timestamp, timestampMs: createdAtMs(id) };
  const shownText = (text: string) => isElsewhere ? withoutSpoilers(text) : text;
  const event = decodeHistory(raw, guildId, { accountId, self, index }, isGroup);
  const isOwnPollResult = type === POLL_RESULT && author?.id === self.userId;
  const isOwn = event?.kind === "own_message" && !event.toInteraction;
  if (isOwn || isOwnPollResult) {
    const replyTo = message_reference?.message_id;
    return {
      ...times,
      from: "you",
      fromId: self.userId,
      text: shownText(await withoutFooter(withoutPersonal(fullText(plain)), id, footerOf)),
      replyTo: replyTo || undefined,
    };
  }
  if (event?.kind !== "message" || !maySee(event)) return undefined;
  const { tag, authorId, text, replyTo, forwards } = toOverheard(event);
  return {
    ...times,
    from: tag,
    fromId: authorId,
    text: shownText(text),
    replyTo: replyTo || undefined,
    forwards,
  };
}
