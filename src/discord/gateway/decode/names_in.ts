/**
 * Finds the names of the ids in texts, as far as all readers of their place may know them: the name
 * of a hidden channel is a secret. Discord sends the names of people with a message or command; a text
 * of another origin may name people who wrote in the server.
 */

import type { ChannelId, RoleId, UserId } from "../../../core/discord/ids.ts";
import type { Place, Self } from "../../../core/inbound/inbound.ts";
import { MENTION, type MentionNames } from "../../../core/inbound/mentions.ts";
import { isThread } from "../../../core/rights/channel.ts";
import type { GuildIndex } from "./guild_index.ts";
import type { CommandPayload } from "./interaction_data.ts";
import { doAllSee } from "./kept_permissions.ts";
import type { MessagePayload } from "./payloads.ts";
import { displayNameOf, type People } from "./senders.ts";

type NameFacts = {
  readonly index: GuildIndex;
  readonly self?: Self | undefined;
  /** The people who wrote since the start. */
  readonly people?: People | undefined;
};

/** Returns the names of 40 ids at most, because each costs time; `undefined` if there are none. */
export function namesIn(
  texts: readonly string[],
  { mentions, mention_channels: told = [] }: Partial<MessagePayload>,
  place: Place,
  { self, index, people }: NameFacts,
): MentionNames | undefined {
  const here = place.kind === "guild" ? place : undefined;
  const guild = here && index.get(here.guild.id);

  function nameOf(sign: string, id: string): string | undefined {
    if (id === self?.userId || id === guild?.ownRole) return "";
    if (sign === "@&") return guild?.roles.get(id as RoleId);
    if (sign === "@") {
      const user = mentions?.find((one) => one.id === id);
      const known = guild && people?.memberOf(id as UserId, guild);
      return user?.username
        ? displayNameOf(user, user.member?.nick) ?? user.username
        : known?.shown;
    }
    const own = [here?.channel, here?.thread, ...told].find((one) => one?.id === id);
    const other = guild?.channels.get(id as ChannelId);
    if (own || !here || !other || isThread(other) || !guild?.kept || !self) return own?.name;
    const facts = { guildId: guild.id, ownerId: self.userId };
    return doAllSee(guild.kept, facts, here.channel.id, other.id) ? other.name : undefined;
  }

  const found = Array.from(
    [...new Set(texts.join("\n").match(MENTION))].slice(0, 40).join("").matchAll(MENTION),
    ([, sign = "", id = ""]) => [`${sign}${id}`, nameOf(sign, id)] as const,
  );
  const names = found.filter((one): one is readonly [string, string] => one[1] !== undefined);
  return names.length > 0 ? Object.fromEntries(names) : undefined;
}

/** The same for the options of a command, and for the message that it is about. */
export function namesInCommand(data: CommandPayload, place: Place, facts: NameFacts) {
  const { messages = {}, users = {} } = data.resolved ?? {};
  const targets = Object.values(messages).flatMap((one) => one.mentions);
  const mentions = [...Object.values(users), ...targets];
  return namesIn([JSON.stringify(data)], { mentions }, place, facts);
}
