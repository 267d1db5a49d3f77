/**
 * Which events Discord is asked for: `channels.discord.gateway.intents` (G9).
 *
 * Three intents are privileged: whoever asks for one that the portal has not
 * switched on is closed with 4014, for good. So what is wanted is held against
 * the application's flags first, and what is not granted is left out.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#privileged-intents}
 * @module
 */

import { ApplicationFlags as Flag, GatewayIntents as Intent } from "@discordeno/types";

export type PrivilegedIntent = "message_content" | "guild_members" | "guild_presences";

/** What an agent needs, and no more. */
const AGENT_RECOMMENDED: readonly string[] = [
  "guilds",
  "guild_messages",
  "message_content",
  "direct_messages",
  "reactions",
  "guild_members",
];

/** Of those, what is taken where the application has it, and not missed where it has not. */
const AGENT_OPTIONAL: readonly string[] = ["guild_members"];

interface Privilege {
  readonly name: PrivilegedIntent;
  readonly intent: number;
  /** Granted by Discord, after a review. */
  readonly verified: number;
  /** Switched on by the owner, of a bot in fewer than 100 guilds; it grants as much. */
  readonly limited: number;
}

const PRIVILEGES: readonly Privilege[] = [
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

/** Discord's names in lower case; `reactions` stands for those of guilds and of DMs. */
const BITS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(Intent).flatMap(([name, bit]): [string, number][] =>
    typeof bit === "number" ? [[toConfigName(name), bit]] : []
  ),
  ["reactions", Intent.GuildMessageReactions | Intent.DirectMessageReactions],
]);

export interface Intents {
  /** As IDENTIFY wants them. */
  readonly bits: number;
  /** Of those, what may be left out without a word. */
  readonly optional: number;
  /** Names that are none of Discord's. */
  readonly unknown: readonly string[];
}

/** Reads the intents of a config: `"agent_recommended"`, or a list of names. */
export function toIntents(names: "agent_recommended" | readonly string[]): Intents {
  const isPreset = names === "agent_recommended";
  const wanted = isPreset ? AGENT_RECOMMENDED : names;
  return {
    bits: bitsOf(wanted),
    optional: isPreset ? bitsOf(AGENT_OPTIONAL) : 0,
    unknown: wanted.filter((name) => !BITS.has(name)),
  };
}

export interface ChosenIntents {
  /** What to identify with. */
  readonly bits: number;
  /** Wanted and not granted: somebody should hear of it. */
  readonly missing: readonly PrivilegedIntent[];
  /** Not granted and not missed. */
  readonly spared: readonly PrivilegedIntent[];
}

/**
 * Leaves out what the application may not have.
 *
 * @param flags The application's. Where they are not known, what is wanted is asked for, since most
 *   bots have it; what is optional is not, since it could only do harm.
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
 * The application's flags for a PATCH that grants these intents and keeps what it has: only the
 * "limited" ones can be set so.
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

/** `"GuildMessages"` is `"guild_messages"`. */
function toConfigName(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
