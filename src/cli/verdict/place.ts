/**
 * Finds the place that a command line names: by link, by id, or by a name that is unique among the
 * bot's known channels. It does not ask Discord.
 */

import { ChannelTypes } from "@discordeno/types";
import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type Snowflake,
} from "../../core/discord/ids.ts";
import type { Place } from "../../core/inbound/inbound.ts";
import { parseTarget } from "../../core/outbound/target.ts";
import { type Guild, type GuildIndex } from "../../discord/gateway/decode/guild_index.ts";
import { placeIn } from "../../discord/gateway/decode/places.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { isFormOf } from "../../policy/rules/entries.ts";

interface FoundPlace {
  readonly kind: "place";
  readonly place: Place;
  /** An unknown id for direct messages. */
  readonly channelId: ChannelId;
  /** Absent outside of guilds. */
  readonly guildId?: GuildId;
}

/** The text names no place, or several. */
interface PlaceProblem {
  /** Discriminates from {@link FoundPlace}. */
  readonly kind: "problem";
  readonly problem: string;
}

/** Stands for an unknown id: the greatest possible one, which Discord never assigns. */
export function unknownId<Kind extends string>(): Snowflake<Kind> {
  const id = parseSnowflake<Kind>(String(2n ** 64n - 1n));
  if (!id) throw new RangeError("The greatest number of 64 bits is an id");
  return id;
}

/**
 * Finds a place.
 *
 * @param text `"dm"`; `"group"`, `"group:<id>"` or `"group:<name>"`; a link, `"<#id>"`,
 * `"channel:<id>"` or an id; `"#name"`, `"name"` or `"guild/name"`.
 */
export function findPlace(text: string, index: GuildIndex): FoundPlace | PlaceProblem {
  const trimmed = text.trim();
  if (/^dm$/i.test(trimmed)) {
    return { kind: "place", place: { kind: "dm" }, channelId: unknownId<"channel">() };
  }
  const [isGroup, group] = /^group(?::(.+))?$/i.exec(trimmed) ?? [];
  if (isGroup !== undefined) return groupPlace(group);

  const target = parseTarget(trimmed);
  const channelId = target.kind === "channel"
    ? target.channelId
    : parseSnowflake<"channel">(trimmed);
  if (channelId && /^\D|\d{15,20}$/.test(trimmed)) {
    return byId(channelId, target.kind === "channel" ? target.guildId : undefined, index);
  }
  return byName(trimmed, index);
}

function groupPlace(group: string | undefined): FoundPlace {
  const id = parseSnowflake<"channel">(group ?? "");
  return {
    kind: "place",
    place: { kind: "group_dm", name: group !== undefined && !id ? group : undefined },
    channelId: id ?? unknownId<"channel">(),
  };
}

function byId(
  channelId: ChannelId,
  guildId: GuildId | undefined,
  index: GuildIndex,
): FoundPlace | PlaceProblem {
  const guild = Array.from(index.values()).find(({ channels }) => channels.has(channelId));
  if (guild) return inGuild(guild.id, channelId, guild);
  if (guildId) return inGuild(guildId, channelId, index.get(guildId));
  return problem(
    `unknown channel ${channelId}; use a link, which names the guild, too, ` +
      "or dm for direct messages",
  );
}

function inGuild(guildId: GuildId, channelId: ChannelId, guild: Guild | undefined): FoundPlace {
  return { kind: "place", place: placeIn(guildId, channelId, guild), channelId, guildId };
}

function byName(trimmed: string, index: GuildIndex): FoundPlace | PlaceProblem {
  const matches: { readonly guild: Guild; readonly id: ChannelId; readonly name: string }[] = [];
  for (const guild of index.values()) {
    for (const { id, name, type } of guild.channels.values()) {
      if (type !== ChannelTypes.GuildCategory && isNamed(trimmed, guild.name, name)) {
        matches.push({ guild, id, name });
      }
    }
  }
  const [first, ...others] = matches;
  if (!first) {
    const why = index.size === 0 ? ": the bot has never been connected" : "";
    return problem(`unknown channel ${quoted(trimmed)}${why}`);
  }
  if (others.length === 0) return inGuild(first.guild.id, first.id, first.guild);
  const candidates = matches.map(({ guild, id, name }) =>
    `${id} (${printable(`${guild.name}/${name}`)})`
  );
  return problem(`${quoted(trimmed)} is ambiguous: ${candidates.join(" or ")}; use the id`);
}

function isNamed(trimmed: string, guildName: string, name: string): boolean {
  if (trimmed === name || trimmed === `#${name}` || isFormOf(trimmed, name)) return true;
  const at = trimmed.lastIndexOf("/");
  if (at < 0) return false;
  const guild = trimmed.slice(0, at);
  const channel = trimmed.slice(at + 1);
  return (guild === guildName || isFormOf(guild, guildName)) &&
    (channel === name || isFormOf(channel, name));
}

function problem(text: string): PlaceProblem {
  return { kind: "problem", problem: text };
}
