/**
 * Decodes the data of interactions: a command's name, options and message, and a modal's values.
 *
 * It is lenient: the gateway thread has deferred each command, so each must get an answer.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-interaction-data}
 */

import { ApplicationCommandTypes } from "@discordeno/types";
import { z } from "zod";
import type { CommandCall, OptionTyping } from "../../../core/inbound/interactions.ts";
import { snowflakeSchema as snowflake } from "../../../core/discord/snowflake_schema.ts";
import { listOf, listOrEmpty, optional } from "../../../core/discord/lenient.ts";
import { type DecodeFacts, readQuoted } from "./decode.ts";
import { mentionedPayload, referencedPayload } from "./payloads.ts";
import { FIELD } from "../../../core/people/form.ts";

export function commandPayload() {
  const value = z.object({
    name: z.string(),
    value: z.union([z.string(), z.number(), z.boolean()]),
    focused: optional(z.boolean()),
  });
  const others = z.unknown().transform(() => undefined);
  const subcommand = z.object({
    name: z.string(),
    options: listOf(value.or(others)),
  });
  return z.object({
    type: optional(z.number()),
    name: z.string(),
    options: listOf(value.or(subcommand).or(others)),
    target_id: optional(snowflake<"message">()),
    resolved: optional(z.object({
      messages: optional(z.record(z.string(), referencedPayload)),
      users: optional(z.record(z.string(), mentionedPayload)),
    })),
  });
}

export type CommandPayload = z.infer<ReturnType<typeof commandPayload>>;

/** The person's call. A menu of users has no command, so its name is empty. */
export function toCall(
  data: CommandPayload,
  call: Pick<CommandCall, "channelId" | "place">,
  index: DecodeFacts["index"],
): Pick<CommandCall, "name" | "subcommand" | "options" | "target"> {
  const { type, name } = data;
  const { subcommand, values } = partsOf(data);
  if (type === ApplicationCommandTypes.Message) {
    const target = targetOf(data, call, index);
    return { name: target ? name : "", options: {}, target };
  }
  return {
    name: type === ApplicationCommandTypes.ChatInput ? name : "",
    subcommand,
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
  { channelId, place }: Pick<CommandCall, "channelId" | "place">,
  index: DecodeFacts["index"],
): CommandCall["target"] {
  const message = id === undefined ? undefined : resolved?.messages?.[id];
  if (!id || !message) return undefined;
  return { ...readQuoted(id, { ...message, channel_id: channelId }, place, index), channelId };
}

/** Builds the schema. Each input is inside a label or an action row. */
export function modalData() {
  const input = z.object({ custom_id: z.string(), value: optional(z.string()) });
  return z.object({
    custom_id: z.string(),
    components: listOrEmpty(z.union([
      z.object({ component: input }).transform(({ component }) => [component]),
      z.object({ components: z.array(input) }).transform(({ components }) => components),
      z.unknown().transform(() => []), // text between the inputs
    ])),
  });
}

/** The person's text. */
export function submittedText({ components }: z.infer<ReturnType<typeof modalData>>): string {
  return components.flat().find(({ custom_id }) => custom_id === FIELD)?.value ?? "";
}
