/**
 * Finds the ids of names in the config that an object has until it is renamed (P12).
 *
 * Names are resolved a moment after READY. An object that is renamed before would escape its entry,
 * and `"*"` would open it. So the entry means that object from the rename on. Without `"*"` a rename
 * opens nothing, so the name stays a name.
 *
 * An entry that denies holds for each channel that had its name. Any other entry means one channel.
 */

import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import type { ResolvedName } from "../../core/names.ts";
import { findKeys, GUILD_PINS, isFormOf } from "../../policy/rules/entries.ts";
import { isDenial } from "../../policy/rules/pinned.ts";
import type { AccessPolicy, ChannelRules } from "../../policy/rules/rules.ts";

/**
 * Finds the entries of a guild or channel by its old name.
 *
 * @param guild The guild, under its old name.
 * @param channel The channel, under its old name; absent if the guild itself is renamed.
 * @param at Unix time in milliseconds of the rename.
 */
export function heldNames(
  { guilds = {} }: AccessPolicy,
  guild: Named<GuildId>,
  channel: Named<ChannelId> | undefined,
  at: number,
): readonly ResolvedName[] {
  if (!channel) {
    if (!Object.hasOwn(guilds, "*")) return [];
    return Object.entries(guilds)
      .filter(([typed, { pinned }]) => !pinned && isFormOf(typed, guild.name))
      .map(([typed]) => ({ kind: "guild", ...guild, typed, at }));
  }
  return findKeys(guilds, guild, GUILD_PINS).flatMap((key) => {
    const { channels = {} } = guilds[key] ?? {};
    if (!Object.hasOwn(channels, "*")) return [];
    return Object.entries(channels)
      .filter(([typed, rules]) =>
        isFormOf(typed, channel.name) && !isSettled(rules, guild.id, channel.id)
      )
      .map(([typed]) => ({ kind: "channel", ...channel, guildId: guild.id, typed, at }));
  });
}

/** Whether an entry means no further channel of the guild. */
function isSettled(rules: ChannelRules, guildId: GuildId, channelId: ChannelId): boolean {
  const ids = rules.pinned?.get(guildId) ?? [];
  return isDenial(rules) ? ids.includes(channelId) : ids.length > 0;
}
