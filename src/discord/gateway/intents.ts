/**
 * Which events Discord is asked for: `channels.discord.gateway.intents` (G9).
 *
 * @module
 */

import { GatewayIntents as Intent } from "@discordeno/types";

/** What an agent needs, and no more. */
const AGENT_RECOMMENDED: readonly string[] = [
  "guilds",
  "guild_messages",
  "message_content",
  "direct_messages",
  "reactions",
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
  /** Names that are none of Discord's. */
  readonly unknown: readonly string[];
}

/** Reads the intents of a config: `"agent_recommended"`, or a list of names. */
export function toIntents(names: "agent_recommended" | readonly string[]): Intents {
  const wanted = names === "agent_recommended" ? AGENT_RECOMMENDED : names;
  return {
    bits: wanted.reduce((bits, name) => bits | (BITS.get(name) ?? 0), 0),
    unknown: wanted.filter((name) => !BITS.has(name)),
  };
}

/** `"GuildMessages"` is `"guild_messages"`. */
function toConfigName(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
