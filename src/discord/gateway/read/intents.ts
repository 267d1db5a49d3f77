/**
 * Lists what a gateway session brings: the types of dispatches that Barnacle reads, and the intents
 * for IDENTIFY from `channels.discord.gateway.intents` (G9).
 *
 * The gateway thread passes on these types only. An IDENTIFY needs the list, and not the code that
 * reads them, so no decoder is imported here.
 *
 * Three intents are privileged. If a bot requests one that is not switched on in the developer
 * portal, Discord closes with 4014, every time. So Barnacle compares the wanted intents with the
 * application's flags, and leaves out those that are not granted.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#privileged-intents}
 */

import { ApplicationFlags as Flag, GatewayIntents as Intent } from "@discordeno/types";

/** Name of an intent that the owner must switch on in the developer portal. */
export type PrivilegedIntent = "message_content" | "guild_members" | "guild_presences";

/** The intents that an agent needs, besides those of reactions that count. */
const AGENT_RECOMMENDED: readonly string[] = [
  "guilds",
  "guild_messages",
  "message_content",
  "direct_messages",
  "guild_members",
];

/** Those of them that are used if granted, without a warning if not. */
const AGENT_OPTIONAL: readonly string[] = ["guild_members"];

const PRIVILEGES: readonly {
  readonly name: PrivilegedIntent;
  readonly intent: number;
  /** Flag of an intent that Discord granted after a review. */
  readonly verified: number;
  /** Flag of an intent that the owner switched on, which needs no review below 10,000 users. */
  readonly limited: number;
}[] = [
  {
    name: "message_content",
    intent: Intent.MessageContent,
    verified: Flag.GatewayMessageContent,
    limited: Flag.GatewayMessageContentLimited,
  },
  {
    name: "guild_members",
    intent: Intent.GuildMembers,
    verified: Flag.GatewayGuildMembers,
    limited: Flag.GatewayGuildMembersLimited,
  },
  {
    name: "guild_presences",
    intent: Intent.GuildPresences,
    verified: Flag.GatewayPresence,
    limited: Flag.GatewayPresenceLimited,
  },
];

/** Discord's names in lower case; `reactions` stands for those of guilds and of direct messages. */
const BITS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(Intent).flatMap(([name, bit]): [string, number][] =>
    typeof bit === "number" ? [[toConfigName(name), bit]] : []
  ),
  ["reactions", Intent.GuildMessageReactions | Intent.DirectMessageReactions],
]);

export interface Intents {
  /** All wanted intents, as in IDENTIFY. */
  readonly bits: number;
  /** Those of them that may be missing without a warning. */
  readonly optional: number;
  readonly unknown: readonly string[];
}

interface ReactionPlaces {
  readonly guilds: boolean;
  readonly direct: boolean;
  /** Intents that `agents.list[].on` needs; absent: none (W7). */
  readonly further?: readonly string[];
}

/**
 * Reads the intents of a config: `"agent_recommended"`, or a list of names.
 *
 * @param reactions Where reactions can count; the preset asks for no others.
 */
export function toIntents(
  names: "agent_recommended" | readonly string[],
  { guilds, direct, further = [] }: ReactionPlaces = { guilds: true, direct: true },
): Intents {
  const isPreset = names === "agent_recommended";
  const reactions = [
    ...(guilds ? ["guild_message_reactions"] : []),
    ...(direct ? ["direct_message_reactions"] : []),
  ];
  const wanted = [...isPreset ? [...AGENT_RECOMMENDED, ...reactions] : names, ...further];
  return {
    bits: bitsOf(wanted),
    optional: isPreset ? bitsOf(AGENT_OPTIONAL) & ~bitsOf(further) : 0,
    unknown: wanted.filter((name) => !BITS.has(name)),
  };
}

export interface ChosenIntents {
  /** The intents for IDENTIFY. */
  readonly bits: number;
  /** Wanted intents that are not granted: the operator should know. */
  readonly missing: readonly PrivilegedIntent[];
  /** Optional intents that are not granted. */
  readonly spared: readonly PrivilegedIntent[];
}

/**
 * Leaves out the intents that the application does not have.
 *
 * @param flags The application's flags. If they are unknown, all wanted intents are requested,
 *   since most bots have them, except for optional ones, which could only do harm.
 */
export function chooseIntents(wanted: Intents, flags: number | undefined): ChosenIntents {
  const refused = PRIVILEGES.filter(({ intent, verified, limited }) => {
    if ((wanted.bits & intent) === 0) return false;
    return flags === undefined
      ? (wanted.optional & intent) !== 0
      : (flags & (verified | limited)) === 0;
  });
  const namesOf = (isOptional: boolean) =>
    refused.filter(({ intent }) => ((wanted.optional & intent) !== 0) === isOptional)
      .map(({ name }) => name);
  return {
    bits: refused.reduce((bits, { intent }) => bits & ~intent, wanted.bits),
    missing: namesOf(false),
    spared: namesOf(true),
  };
}

/**
 * Computes the application's flags for a PATCH that grants intents and keeps the granted ones. Only
 * the "limited" flags can be set in this way.
 */
export function flagsGranting(intents: readonly PrivilegedIntent[], flags: number): number {
  return PRIVILEGES.reduce(
    (bits, { name, limited }) => intents.includes(name) ? bits | limited : bits | (flags & limited),
    0,
  );
}

function bitsOf(names: readonly string[]): number {
  return names.reduce((bits, name) => bits | (BITS.get(name) ?? 0), 0);
}

/** Converts `"GuildMessages"` to `"guild_messages"`. */
function toConfigName(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

/** Types that change the index of guilds; `reader.ts` applies them. */
export const GUILD_TYPES = [
  "READY",
  "GUILD_CREATE",
  "GUILD_UPDATE",
  "GUILD_DELETE",
  "GUILD_ROLE_CREATE",
  "GUILD_ROLE_UPDATE",
  "GUILD_ROLE_DELETE",
  "GUILD_MEMBER_UPDATE",
  "CHANNEL_CREATE",
  "CHANNEL_UPDATE",
  "CHANNEL_DELETE",
  "THREAD_CREATE",
  "THREAD_UPDATE",
  "THREAD_DELETE",
  "THREAD_LIST_SYNC",
] as const;

/** Types that become events; `reader.ts` decodes them. */
export const EVENT_TYPES = [
  "MESSAGE_CREATE",
  "MESSAGE_UPDATE",
  "INTERACTION_CREATE",
  "MESSAGE_DELETE",
  "MESSAGE_DELETE_BULK",
  "THREAD_MEMBERS_UPDATE",
  "MESSAGE_REACTION_ADD",
  "MESSAGE_REACTION_REMOVE",
  "MESSAGE_REACTION_REMOVE_ALL",
  "MESSAGE_REACTION_REMOVE_EMOJI",
] as const;

/** Types that may start a turn, beside what they are otherwise (W7). */
const STARTING_TYPES: readonly string[] =
  ("GUILD_MEMBER_ADD GUILD_MEMBER_UPDATE GUILD_AUDIT_LOG_ENTRY_CREATE THREAD_CREATE THREAD_UPDATE " +
    "GUILD_SCHEDULED_EVENT_UPDATE MESSAGE_CREATE MESSAGE_REACTION_ADD").split(" ");

/** Types about voice channels. Without its intent, Discord sends only those about the bot itself. */
const VOICE_TYPES = ["VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE"] as const;

/** Types of the dispatches that the worker sends to the main thread. */
export const READ_TYPES: readonly string[] = [
  ...GUILD_TYPES,
  ...EVENT_TYPES,
  ...STARTING_TYPES,
  ...VOICE_TYPES,
];
