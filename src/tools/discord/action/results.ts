/**
 * Short results of actions for the model.
 *
 * @module
 */

import { z } from "zod";
import type { MessageId, Snowflake } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import type { SentText, ShownMessage } from "../../../core/turn/ports/discord.ts";

/** One JSON object for each item, a line each. */
export function lines(items: readonly object[], none: string): string {
  return items.length === 0 ? none : items.map((item) => JSON.stringify(item)).join("\n");
}

/** The result of a sent text. */
export function sentLine({ state, channelId, messageIds }: SentText): string {
  if (state === "sent") return JSON.stringify({ sent: true, channelId, messageIds });
  return JSON.stringify({
    stored: true,
    channelId,
    note: "Discord does not have it yet. It is delivered later; do not send it again.",
  });
}

/** A message with its times. */
export function messageFields(
  { id, from, fromId, timestamp, timestampMs, replyTo, text }: ShownMessage,
): ShownMessage & { readonly timestampUtc: string } {
  return {
    id,
    from,
    fromId,
    timestamp,
    timestampMs,
    timestampUtc: new Date(timestampMs).toISOString(),
    replyTo: replyTo || undefined,
    text,
  };
}

/** A thing of Discord with an id. */
export const withId: z.ZodType<{ readonly id: Snowflake }> = z.object({ id: snowflakeSchema() });

/** A new message in Discord's responses. */
export const newMessage: z.ZodType<{ readonly id: MessageId }> = z.object({
  id: snowflakeSchema<"message">(),
});

/** Reads a response of Discord; throws words for the model if it has another form. */
export function read<T>(schema: z.ZodType<T>, raw: unknown): T {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new Error("Discord answered in a form that the bot does not understand");
}

/** The name of a channel for people: `"#krill"`. */
export function named({ name, id }: { readonly name: string; readonly id: string }): string {
  return `#${name} (${id})`;
}
