/** Declares an action of the tool `discord`. `discord.ts` lists all of them. */

import { z } from "zod";
import { writtenChannel, writtenId } from "../../../core/discord/lenient.ts";
import type { DiscordCall, ShownMessage } from "../../../core/turn/discord_place.ts";
import type { SentText, TextFor } from "../../../flows/actions/actions.ts";
import type { ActionPlace, ChannelPlace, OpenedGuild } from "../../../flows/actions/place.ts";
import type { ToolGate } from "../../../core/tool_names.ts";
import { badArguments, type DeclaredInput, withInput } from "../../../core/turn/tool.ts";
import type { Need, Seen, SeenAt } from "../../../core/rights/rights.ts";
import type { ChannelId, GuildId, MessageId, Snowflake } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/lenient.ts";

/** What a call does at Discord, with the rights of its asker. It is loaded with the first call. */
export type Discord = typeof import("../../../flows/actions/actions.ts");

export interface Action<Input extends z.ZodObject = z.ZodObject> {
  /** Name for the model: a value of the argument `action`. */
  readonly name: string;
  /** Description for the model, in a few words; absent if the name says it all. */
  readonly summary?: string;
  /** Gate that the config must leave open; absent if any open gate is enough. */
  readonly gate?: ToolGate;
  /** Rights of the asker beside View Channel, for `docs/tools.md`. */
  readonly rights: string;
  /** Whether a second run changes nothing more. Otherwise a crash never repeats it. */
  readonly isIdempotent: boolean;
  /**
   * Where people see its effect: in the channel or on the server that it names. `listed`: where they see
   * the channel's name. `nowhere`: it reads, and changes nothing. Results of others show nothing of Discord: at most ids of new things.
   */
  readonly seenAt:
    | "nowhere"
    | "channel"
    | "listed"
    | "guild"
    | Seen<[z.infer<Input>], SeenAt>["at"];
  /**
   * The channels whose content people may see by it, for SEC-R4. `everywhere`: all that the asker may
   * see. `elsewhere`: it copies its channel's content to another channel, and its result shows none of
   * it. Absent: its own channel, if it reads.
   */
  readonly reads?: "everywhere" | "elsewhere";
  /** Set for a destructive action: whether it can be undone. */
  readonly undo?: "yes" | "no" | "partly";
  /** Checks the arguments beside `action`. */
  readonly input: Input;
  /**
   * Runs the action.
   *
   * @returns The result for the model.
   * @throws {Error} If it failed; the message tells the model why.
   */
  run(input: z.infer<Input>, call: DiscordCall, discord: Discord): Promise<string>;
}

/** Checks an action's types, and hides that of its input from the list of actions. */
export function defineAction<Input extends z.ZodObject>(
  action: Omit<Action<Input>, "input"> & DeclaredInput<Input>,
): Action {
  return withInput(action);
}

/** Runs an action in its channel, if the asker has some rights there beside View Channel. */
export function inChannel<Input extends { readonly channelId?: ChannelId }>(
  needs: readonly Need[],
  act: (place: ChannelPlace, input: Omit<Input, "channelId">, call: DiscordCall) => Promise<string>,
): (input: Input, call: DiscordCall, discord: Discord) => Promise<string> {
  return ({ channelId, ...input }, call, discord) =>
    discord.inChannel(call, { channelId, needs }, (place) => act(place, input, call));
}

/** Runs an action on its server, if the asker has some rights there. */
export function inGuild<Input extends { readonly guildId?: GuildId }>(
  needs: readonly Need[],
  act: (place: OpenedGuild, input: Omit<Input, "guildId">) => Promise<string>,
): (input: Input, call: DiscordCall, discord: Discord) => Promise<string> {
  return ({ guildId, ...input }, call, discord) =>
    discord.inGuild(call, { guildId, needs }, (place) => act(place, input));
}

/** A link to a message. `linkedMessage` in `call_effects.ts` reads its channel. */
const MESSAGE = /^<?https:\/\/[\w.]+\/channels\/(?:@me|\d+)\/\d+\/(\d+)[/>]*$/;
/** `<@5>`, `<@!5>` or `user:5`. */
const USER = /^(?:<@!?(\d+)>|user:(\d+))$/;
/** `<@&5>` or `role:5`. */
const ROLE = /^(?:<@&(\d+)>|role:(\d+))$/;

const channelId = writtenChannel();
const messageId = writtenId<"message">("message", MESSAGE, "digits only, or a link to it");
const userId = writtenId<"user">("user", USER, "digits only, or <@digits>");
const roleId = writtenId<"role">("role", ROLE, "digits only, or <@&digits>");

export const FIELDS = {
  channelId,
  messageId,
  guildId: writtenId<"guild">("server"),
  userId,
  roleId,
  text: z.string().min(1).max(20_000),
  replyTo: messageId,
  emoji: z.string().max(100).describe("Unicode, or <:name:id>."),
  title: z.string().min(1).max(100),
  name: z.string().min(1).max(100),
  limit: z.int().min(1).max(100),
  before: messageId,
  after: messageId,
  reason: z.string().min(1).max(400),
  dryRun: z.boolean(),
  mediaUrl: z.string().min(1).max(4_000).describe("Link, attachment:<name>, image:<id> or path."),
  embed: z.lazy(() =>
    z.strictObject({
      title: z.string().min(1).max(256).optional(),
      description: z.string().min(1).max(4_096).optional(),
      color: z.int().min(0).max(0xffffff).optional(),
      fields: z.array(z.strictObject({
        name: z.string().min(1).max(256),
        value: z.string().min(1).max(1_024),
        inline: z.boolean().optional(),
      })).max(25).optional(),
      footer: z.string().min(1).max(2_048).optional(),
    }).refine(
      (embed) => Object.keys(embed).some((key) => key !== "color") && charsOf(embed) <= 6_000,
      "must have a text, and at most 6,000 characters",
    )
  ).describe("{title,description,color,fields:[{name,value}],footer}"),
  parentId: z.lazy(() => z.union([z.literal("none").transform(() => null), channelId]))
    .describe('Category id, or "none".'),
  position: z.int().min(0).max(1_000),
  topic: z.string().max(1_024),
  isNsfw: z.boolean(),
  query: z.string().min(1).max(1_024),
  tags: z.lazy(() => z.array(z.string().min(1).max(100)).min(1).max(5))
    .describe("Names of forum tags."),
  description: z.string().min(1).max(1_000),
};

/** Characters of all texts of an object, as Discord counts those of an embed. */
function charsOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, one) => sum + charsOf(one), 0);
}

export const AT = { channelId: channelId.optional(), messageId };

export const IN_GUILD = { guildId: FIELDS.guildId.optional() };

export const DESTRUCTIVE = { reason: FIELDS.reason.optional(), dryRun: FIELDS.dryRun.optional() };

export function jsonLines(items: readonly object[], none: string): string {
  return items.length === 0 ? none : items.map((item) => JSON.stringify(item)).join("\n");
}

/** The arguments of a new message, beside its place; made at their use. */
export const POST = {
  get text() {
    return z.string().max(20_000).optional(); // models fill it in beside a file
  },
  get replyTo() {
    return FIELDS.replyTo.optional();
  },
  get mediaUrl() {
    return FIELDS.mediaUrl.optional();
  },
  get embed() {
    return FIELDS.embed.optional();
  },
};

/** A new message; throws if it has nothing to show. */
export function postOf(
  { text = "", mediaUrl: media, ...post }: z.infer<z.ZodObject<typeof POST>>,
): TextFor {
  if (text === "" && media === undefined && post.embed === undefined) {
    throw badArguments("give `text`, `mediaUrl` or `embed`");
  }
  return { ...post, text, media };
}

export function sentLine({ waits, ...sent }: SentText): string {
  if (!waits) return JSON.stringify({ sent: true, ...sent });
  return JSON.stringify({
    stored: waits,
    channelId: sent.channelId,
    note: "Discord does not have it yet. It is delivered later; do not send it again.",
  });
}

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

export const withId: z.ZodType<{ readonly id: Snowflake }> = z.object({ id: snowflakeSchema() });

const newMessage: z.ZodType<{ readonly id: MessageId }> = z.object({
  id: snowflakeSchema<"message">(),
});

/** Reads a response of Discord; throws words for the model if it has another form. */
export function readResponse<T>(schema: z.ZodType<T>, raw: unknown): T {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new Error("Discord answered in a form that the bot does not understand");
}

/** Posts a message with a nonce, so that a repeated call posts no second one. Returns its id. */
export async function postMessage(
  place: ActionPlace,
  channelId: ChannelId,
  content: object,
): Promise<MessageId> {
  const raw = await place.request("POST", `/channels/${channelId}/messages`, {
    body: { ...content, allowedMentions: { parse: [] }, nonce: place.nonce, enforceNonce: true },
  });
  const { id } = readResponse(newMessage, raw);
  await place.posted(id);
  return id;
}
