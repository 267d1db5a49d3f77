/**
 * Decodes the data of a command: its name, subcommand, options, and the message that it is about.
 *
 * It is lenient: the gateway thread has deferred each command, so each must get an answer.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-application-command-data-structure}
 *
 * @module
 */

import { ApplicationCommandTypes } from "@discordeno/types";
import { z } from "zod";
import type { ChannelId } from "../../../../core/discord/ids.ts";
import type { CommandCall, OptionTyping } from "../../../../core/inbound/interactions.ts";
import { snowflakeSchema as snowflake } from "../../../../core/discord/snowflake_schema.ts";
import { bounded } from "../../../../lib/text/cut.ts";
import { userPayload } from "../payloads.ts";
import { tagOf } from "../senders.ts";

const MAX_TARGET = 2_000;

/** Builds the schema. */
export function commandPayload() {
  const value = z.object({
    name: z.string(),
    value: z.union([z.string(), z.number(), z.boolean()]),
    focused: z.boolean().optional(),
  });
  const others = z.unknown().transform(() => undefined);
  const subcommand = z.object({
    name: z.string(),
    options: z.array(value.or(others)).nullish().catch(undefined),
  });
  const message = z.object({
    id: snowflake<"message">(),
    content: z.string().catch(""),
    author: userPayload,
  });
  return z.object({
    type: z.number().optional(),
    name: z.string(),
    options: z.array(value.or(subcommand).or(others)).nullish().catch(undefined),
    target_id: z.string().optional().catch(undefined),
    resolved: z.object({ messages: z.record(z.string(), message) }).nullish().catch(undefined),
  });
}

/** The data of a command. */
export type CommandPayload = z.infer<ReturnType<typeof commandPayload>>;

/** The person's call. A menu of users has no command, so its name is empty. */
export function toCall(
  data: CommandPayload,
  channelId: ChannelId,
): Pick<CommandCall, "name" | "subcommand" | "options" | "target"> {
  const { type, name } = data;
  const { subcommand, values } = partsOf(data);
  if (type === ApplicationCommandTypes.Message) {
    const target = targetOf(data, channelId);
    return { name: target ? name : "", options: {}, ...(target && { target }) };
  }
  return {
    name: type === ApplicationCommandTypes.ChatInput ? name : "",
    ...(subcommand !== undefined && { subcommand }),
    options: Object.fromEntries(values.map(({ name, value }) => [name, value])),
  };
}

/** The option that the person types; `undefined` if there is none. */
export function typedIn(data: CommandPayload): OptionTyping["typed"] | undefined {
  const focused = partsOf(data).values.find(({ focused }) => focused === true);
  return focused && { option: focused.name, text: String(focused.value) };
}

function partsOf({ options }: CommandPayload) {
  const known = (options ?? []).filter((option) => option !== undefined);
  const subcommand = known.find((option) => !("value" in option));
  const inner = subcommand && "options" in subcommand ? subcommand.options ?? [] : known;
  return {
    subcommand: subcommand?.name,
    values: inner.flatMap((option) => option && "value" in option ? [option] : []),
  };
}

function targetOf(
  { target_id: id, resolved }: CommandPayload,
  channelId: ChannelId,
): CommandCall["target"] {
  const message = id === undefined ? undefined : resolved?.messages[id];
  if (!message) return undefined;
  const { author, content } = message;
  return {
    id: message.id,
    author: { id: author.id, tag: tagOf(author) },
    text: bounded(content, MAX_TARGET),
    channelId,
  };
}
