/**
 * Decodes an INTERACTION_CREATE.
 *
 * Place and sender are decoded as for messages: an interaction without a guild is a direct one, and
 * Barnacle never looks that up (P2). Its token lets anyone answer for the bot, so no problem and no
 * log contains it.
 *
 * It is lenient: the gateway thread has deferred each command, so each must get an answer.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object}
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-interaction-data}
 */

import type { GuildIndex } from "./guild_index.ts";
import {
  ApplicationCommandTypes,
  ChannelTypes,
  InteractionTypes,
  MessageComponentTypes,
} from "@discordeno/types";
import { z } from "zod";
import type { AccountId, MessageId } from "../../../core/discord/ids.ts";
import {
  bits,
  listOf,
  listOrEmpty,
  optional,
  snowflakeSchema as snowflake,
} from "../../../core/discord/lenient.ts";
import type {
  CommandCall,
  ComponentUse,
  Interaction,
  OptionTyping,
  Place,
  SlashCommand,
  UnreadInteraction,
} from "../../../core/inbound/inbound.ts";
import { FIELD } from "../../../core/people/question.ts";
import { PERMISSIONS } from "../../../core/rights/rights.ts";
import { bounded } from "../../../lib/text/quoted.ts";
import {
  type DecodeFacts,
  mentionedPayload,
  namesInCommand,
  placeIn,
  readQuoted,
  referencedPayload,
  senderOf,
} from "./decode.ts";
import { type DecodeProblem, problemOf, roleIds, userPayload } from "./guild_index.ts";

function commandPayload() {
  const value = z.object({
    name: z.string(),
    value: z.union([z.string(), z.number(), z.boolean()]),
    focused: optional(z.boolean()),
  });
  const others = z.unknown().transform(() => undefined);
  const subcommand = z.object({ name: z.string(), options: listOf(value.or(others)) });
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
function toCall(data: CommandPayload, call: Base, index: DecodeFacts["index"]) {
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
function typedIn(data: CommandPayload): OptionTyping["typed"] | undefined {
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
  { channelId, place }: Base,
  index: DecodeFacts["index"],
): CommandCall["target"] {
  const message = id === undefined ? undefined : resolved?.messages?.[id];
  if (!id || !message) return undefined;
  return { ...readQuoted(id, { ...message, channel_id: channelId }, place, index), channelId };
}

/** Builds the schema. Each input is inside a label or an action row. */
function modalData() {
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

function submittedText({ components }: z.infer<ReturnType<typeof modalData>>): string {
  return components.flat().find(({ custom_id }) => custom_id === FIELD)?.value ?? "";
}

/** Builds the schemas at the first interaction. At start-up they would cost milliseconds. */
function createSchemas() {
  const kindPayload = z.object({
    type: z.number(),
    data: optional(z.object({ component_type: optional(z.number()) })),
  });

  const webhook = z.object({
    id: snowflake<"interaction">(),
    /** Absent: the bot's own application, which alone gets its interactions. */
    application_id: optional(snowflake<"application">()),
    token: z.string().min(1),
  });
  const common = webhook.extend({
    guild_id: snowflake<"guild">().nullish(),
    channel_id: snowflake<"channel">(),
    channel: optional(z.object({
      type: optional(z.number()),
      name: optional(z.string()),
      thread_metadata: optional(z.object({ locked: optional(z.boolean()) })),
    })),
    app_permissions: optional(bits),
    /** Set in guilds. */
    member: z.object({
      user: userPayload,
      roles: roleIds,
      permissions: optional(bits),
    }).nullish(),
    user: optional(userPayload),
    /** Whose installation of the bot it is: `0` has the guild, `1` the user. */
    authorizing_integration_owners: optional(z.record(z.string(), z.unknown())),
  });

  const message = z.object({ id: snowflake<"message">(), flags: optional(z.number()) });
  const onMessage = common.extend({ message });
  const buttonPayload = onMessage.extend({ data: z.object({ custom_id: z.string() }) });
  const selectPayload = onMessage.extend({
    data: z.object({ custom_id: z.string(), values: listOrEmpty(z.string().or(snowflake())) }),
  });

  const modalPayload = common.extend({ message: optional(message), data: modalData() });

  return {
    common,
    kindPayload,
    webhookPayload: webhook.extend({ type: z.coerce.number() }),
    buttonPayload,
    selectPayload,
    modalPayload,
    slashPayload: common.extend({ data: commandPayload() }),
  };
}

let built: ReturnType<typeof createSchemas> | undefined;

/** Flag of a message in Discord's second layout. */
const IS_COMPONENTS_V2 = 1 << 15;

const MAX_NAME = 100;

/** Component types of select menus: of strings, users, roles, both, and channels. */
const SELECTS: readonly number[] = [
  MessageComponentTypes.SelectMenu,
  MessageComponentTypes.SelectMenuUsers,
  MessageComponentTypes.SelectMenuRoles,
  MessageComponentTypes.SelectMenuUsersAndRoles,
  MessageComponentTypes.SelectMenuChannels,
];

/** As {@link DecodeFacts}, before READY and without a memory of people. */
type InteractionFacts = Partial<DecodeFacts> & {
  readonly accountId: AccountId;
  readonly index: GuildIndex;
};

/** Interactions that the gateway's thread acknowledges, and whether Discord then waits for the answer. */
const IS_THINKING: Readonly<Record<number, boolean>> = {
  [InteractionTypes.ApplicationCommand]: true,
  [InteractionTypes.ModalSubmit]: true,
  [InteractionTypes.MessageComponent]: false,
};

/**
 * Decodes an interaction. Returns `undefined` for interactions that Barnacle does not use.
 *
 * @returns A problem only if no answer is possible or needed.
 */
export function decodeInteraction(
  d: unknown,
  context: InteractionFacts,
): ComponentUse | SlashCommand | OptionTyping | UnreadInteraction | DecodeProblem | undefined {
  const decoded = decodeWhole(d, context);
  if (decoded?.kind !== "problem") return decoded;
  const { data: webhook } = (built ??= createSchemas()).webhookPayload.safeParse(d);
  const applicationId = webhook?.application_id ?? context.self?.applicationId;
  const isThinking = webhook && IS_THINKING[webhook.type];
  if (!webhook || !applicationId || isThinking === undefined) return decoded;
  const { id, token } = webhook;
  return { kind: "unread", id, token, applicationId, why: decoded.why, isThinking };
}

function decodeWhole(
  d: unknown,
  context: InteractionFacts,
): ComponentUse | SlashCommand | OptionTyping | DecodeProblem | undefined {
  const { kindPayload, buttonPayload, selectPayload, modalPayload, slashPayload } = built ??=
    createSchemas();
  const kind = kindPayload.safeParse(d);
  if (!kind.success) return problemOf(kind.error, "the interaction");
  const { type, data } = kind.data;
  if (type === InteractionTypes.ApplicationCommand) {
    return decode(slashPayload, d, context, ({ data }, base) => ({
      ...base,
      kind: "slash",
      ...toCall(data, base, context.index),
      names: namesInCommand(data, base.place, context),
    }));
  }
  if (type === InteractionTypes.ApplicationCommandAutocomplete) {
    return decode(slashPayload, d, context, ({ data }, base) => {
      const typed = typedIn(data);
      return typed
        ? { ...base, kind: "typing", ...toCall(data, base, context.index), typed }
        : { kind: "problem", why: "no option is focused" };
    });
  }
  if (type === InteractionTypes.ModalSubmit) {
    return decode(modalPayload, d, context, ({ data, message }, base) => ({
      ...base,
      kind: "modal",
      customId: data.custom_id,
      ...(message && onCard(message)),
      text: submittedText(data),
    }));
  }
  if (type !== InteractionTypes.MessageComponent || data?.component_type === undefined) {
    return undefined;
  }
  if (data.component_type === MessageComponentTypes.Button) {
    return decode(buttonPayload, d, context, ({ data: { custom_id }, message }, base) => ({
      ...base,
      kind: "button",
      customId: custom_id,
      ...onCard(message),
    }));
  }
  if (!SELECTS.includes(data.component_type)) return undefined;
  return decode(selectPayload, d, context, ({ data: { custom_id, values }, message }, base) => ({
    ...base,
    kind: "select",
    customId: custom_id,
    ...onCard(message),
    values,
  }));
}

function onCard(
  { id, flags = 0 }: { readonly id: MessageId; readonly flags?: number | undefined },
) {
  return { messageId: id, isOnCard: ((flags & IS_COMPONENTS_V2) !== 0) || undefined };
}

type CommonPayload = z.infer<ReturnType<typeof createSchemas>["common"]>;

type Base = Interaction;

function decode<Schema extends z.ZodType<CommonPayload>, Decoded>(
  schema: Schema,
  d: unknown,
  context: InteractionFacts,
  toInteraction: (payload: z.infer<Schema>, base: Base) => Decoded,
): Decoded | DecodeProblem {
  const payload = schema.safeParse(d);
  if (!payload.success) return problemOf(payload.error, "the interaction");
  const base = baseOf(payload.data, context);
  return "why" in base ? base : toInteraction(payload.data, base);
}

function baseOf(
  payload: CommonPayload,
  { accountId, index, self }: InteractionFacts,
): Base | DecodeProblem {
  const { guild_id, channel_id, member, id, token } = payload;
  const applicationId = payload.application_id ?? self?.applicationId;
  if (!applicationId) return { kind: "problem", why: "application_id does not fit" };
  // In a guild only the member counts, because it has the roles.
  const user = guild_id ? member?.user : payload.user;
  if (!user) return { kind: "problem", why: "the sender does not fit" };
  const automaton = user.bot || user.system ? "bot" : undefined;
  const common = { accountId, id, token, applicationId, channelId: channel_id };
  if (isUserInstall(payload)) {
    // The bot is no member: the rules of direct messages hold, and the guild's roles mean nothing.
    return {
      ...common,
      place: { kind: "dm" },
      isElsewhere: true,
      sender: senderOf(user, { roles: [], automaton }, undefined),
    };
  }
  const guild = guild_id ? index.get(guild_id) : undefined;
  return {
    ...common,
    guildId: guild_id || undefined,
    place: guild_id ? placeIn(guild_id, channel_id, guild) : directPlace(payload),
    sender: senderOf(user, { roles: guild_id ? member?.roles : [], automaton }, guild),
    managesMessages: managesMessages(payload) || undefined,
    cannotAnswer: (guild_id && isClosed(payload)) || undefined,
  };
}

/** Whether the bot may not post in the channel of a guild; `false` if the server does not tell. */
function isClosed({ app_permissions: own, channel }: CommonPayload): boolean {
  const thread = channel?.thread_metadata;
  const needs = ["View Channel", thread ? "Send Messages in Threads" : "Send Messages"] as const;
  return own !== undefined && [...needs, ...thread?.locked ? ["Manage Threads"] as const : []]
    .some((name) => (BigInt(own) & PERMISSIONS[name]) === 0n);
}

function isUserInstall({ authorizing_integration_owners: owners }: CommonPayload): boolean {
  return owners !== undefined && "1" in owners && !("0" in owners);
}

function managesMessages({ member }: CommonPayload): boolean {
  return (BigInt(member?.permissions ?? 0) & PERMISSIONS["Manage Messages"]) !== 0n;
}

function directPlace({ channel }: CommonPayload): Place {
  if (channel?.type !== ChannelTypes.GroupDm) return { kind: "dm" };
  return { kind: "group_dm", name: channel.name ? bounded(channel.name, MAX_NAME) : undefined };
}
