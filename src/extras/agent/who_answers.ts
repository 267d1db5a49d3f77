/**
 * Draws which agent answers where (N2): channels by agents, with overlaps.
 *
 * It reads the config alone. So it shows channels by their names there, and its messages name no agent.
 */

import {
  type AccountId,
  type ChannelId,
  type GuildId,
  parseSnowflake,
} from "../../core/discord/ids.ts";
import type { GuildPlace, Place } from "../../core/inbound/inbound.ts";
import { isNameKey } from "../../policy/rules/entries.ts";
import { recordNothing } from "../../policy/rules/checks.ts";
import { prepareAssigned, prepareRouter } from "../../policy/router.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import type { AccessPolicy, RouterRules } from "../../policy/rules/rules.ts";
import { unknownId } from "../../cli/verdict/named.ts";

/** One place, with what each agent does there. */
interface AnswerRow {
  /** Name of the place, for people. */
  readonly place: string;
  readonly answers: string;
  /** The access rules let no one talk there, so the agent answers nothing. */
  readonly isClosed?: true;
  /** Agents that would answer as well, if another one did not go first. */
  readonly overlaps: readonly string[];
  /** Passive agents that watch there (N1). */
  readonly watches: readonly string[];
  /** Config path of the rule that decides. */
  readonly rule: string;
}

interface KnownPlace {
  readonly label: string;
  readonly channelId: ChannelId;
  readonly place: Place;
}

/** Makes the rows for an account: each channel that the config names, and the rest. */
export function answerRows(
  policy: AccessPolicy,
  accountId: AccountId,
): readonly AnswerRow[] {
  const { router, passive, guilds = {} } = policy;
  const choose = prepareRouter(router);
  const others = router.agents.map(({ id }) => ({ id, choose: prepareRouter(onlyOf(router, id)) }));
  const watchers = passive.map(({ agentId: id, channels }) => ({
    id,
    watches: prepareAssigned(channels),
  }));
  const watched = passive.flatMap(({ channels }) => channels);
  return placesOf({ ...router, assigned: [...router.assigned, ...watched] }, guilds).map(
    ({ label, place, channelId }) => {
      const message = { accountId, place, channelId, sender: { id: unknownId<"user">() } };
      const { agentId, rule } = choose(message);
      const overlaps = others
        .filter((other) => other.id !== agentId && other.choose(message).agentId === other.id)
        .map(({ id }) => id);
      const watches = place.kind !== "guild"
        ? []
        : watchers.filter((one) => one.watches(message, recordNothing)).map(({ id }) => id);
      const isClosed = isClosedAt(place, policy) || undefined;
      return { place: label, answers: agentId, isClosed, overlaps, watches, rule };
    },
  );
}

/** A channel that the config names without its guild is closed if it would be so in each guild. */
function isClosedAt(place: Place, policy: AccessPolicy): boolean {
  const { dm, guilds = {} } = policy;
  if (place.kind !== "guild") return !dm.enabled || dm.policy === "disabled";
  const isClosed = (guild: GuildPlace["guild"]) =>
    rulesFor({ ...place, guild }, policy).kind === "closed";
  if (place.guild.name !== "") return isClosed(place.guild);
  return isClosed(place.guild) &&
    Object.keys(guilds).every((key) => isClosed(placeIn("", key).place.guild));
}

/** The rules as if only one agent had claims. An agent without a claim answers nothing by them. */
function onlyOf({ assigned, bindings }: RouterRules, agentId: string): RouterRules {
  return {
    agents: [{ id: "", rule: "" }, { id: agentId, rule: "" }],
    assigned: assigned.filter((one) => one.agentId === agentId),
    bindings: bindings.filter((one) => one.agentId === agentId),
  };
}

function placesOf(
  { assigned, bindings }: RouterRules,
  guilds: NonNullable<AccessPolicy["guilds"]>,
): readonly KnownPlace[] {
  const places: KnownPlace[] = [
    { label: "direct messages", channelId: unknownId<"channel">(), place: { kind: "dm" } },
  ];
  const seen = new Set<string>();
  const add = (label: string, key: string, guild?: string): void => {
    seen.add(key.replace(/^#/, ""));
    places.push({ label, ...placeIn(key, guild) });
  };
  for (const [guild, { slug = guild, channels = {} }] of Object.entries(guilds)) {
    for (const key of Object.keys(channels)) {
      if (key !== "*") add(`${guild === "*" ? "" : `${slug} `}${shownChannel(key)}`, key, guild);
    }
  }
  for (const { channel } of assigned) {
    if (channel !== "*" && !seen.has(channel.replace(/^#/, ""))) {
      add(shownChannel(channel), channel);
    }
  }
  for (const { match: { channelId, guildId } } of bindings) {
    if (channelId !== undefined && !seen.has(channelId)) add(channelId, channelId, guildId);
    if (channelId === undefined && guildId !== undefined && !seen.has(`guild ${guildId}`)) {
      seen.add(`guild ${guildId}`);
      places.push({ label: `guild ${guildId}, other channels`, ...placeIn("", guildId) });
    }
  }
  places.push({ label: "other channels", ...placeIn("") });
  return places;
}

function shownChannel(key: string): string {
  return isNameKey(key) ? `#${key.replace(/^#/, "")}` : key;
}

function placeIn(
  key: string,
  guild = "",
): Omit<KnownPlace, "label"> & { readonly place: GuildPlace } {
  const channelId = (isNameKey(key) ? undefined : parseSnowflake<"channel">(key)) ??
    unknownId<"channel">();
  const guildId: GuildId = parseSnowflake<"guild">(guild) ?? unknownId<"guild">();
  const name = key.replace(/^#/, "");
  const place: GuildPlace = {
    kind: "guild",
    guild: { id: guildId, name: guild },
    channel: { id: channelId, name },
  };
  return { channelId, place };
}
