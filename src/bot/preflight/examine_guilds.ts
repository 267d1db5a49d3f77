/**
 * Reads the bot's permissions in its guilds, for `barnacle doctor`.
 *
 * One request lists the guilds. Each guild with rules in the config takes three more, so Barnacle
 * reads at most some of them.
 *
 * @module
 */

import type { GuildId, UserId } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { createGuildList } from "../../discord/rest/calls/guild_list.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import {
  findDenial,
  type NeededPermission,
  type PostingPlace,
} from "../../discord/rest/permissions/denial.ts";
import {
  createReadGuildPermissions,
  type GuildPermissions,
} from "../../discord/rest/permissions/guild_permissions.ts";
import { riskyIn } from "../../discord/rest/permissions/permissions.ts";
import type { Answer } from "../../flows/preflight/discord.ts";
import type { Lack, SeenGuild } from "../../flows/preflight/permissions.ts";
import { ask, type AskPorts } from "./examine.ts";

/** The bot to look at. */
export interface GuildOptions {
  readonly api: RestApi;
  /** Reads the id of the bot's own user. */
  readonly self: () => Promise<UserId>;
  /** Whether the config has rules for a guild. */
  readonly hasRules: (guild: Named<GuildId>) => boolean;
  /** Unix time in milliseconds. */
  readonly now: number;
}

/** Maximum number of guilds to read in detail. */
const GUILDS_MAX = 20;

/** The permissions that the bot uses in a channel, most basic first. */
const USED: readonly NeededPermission[] = [
  "View Channel",
  "Send Messages",
  "Read Message History",
  "Attach Files",
  "Add Reactions",
];

/** Reads all guilds of the bot; those with rules in detail. */
export async function examineGuilds(
  { api, self, hasRules, now }: GuildOptions,
  ports: AskPorts,
): Promise<Answer<readonly SeenGuild[]>> {
  const listed = await ask(() => createGuildList(api).guilds(), ports);
  if (listed.kind !== "answered") return listed;
  const withRules = new Set(listed.found.filter(hasRules).slice(0, GUILDS_MAX));
  const userId = withRules.size === 0 ? undefined : await ask(self, ports);
  if (userId && userId.kind !== "answered") return userId;
  const readGuild = createReadGuildPermissions(api);
  const found: SeenGuild[] = [];
  for (const guild of listed.found) {
    const { id, name, permissions = 0n } = guild;
    const read = userId && withRules.has(guild)
      ? await ask(() => readGuild(id, userId.found), ports)
      : undefined;
    found.push({
      id,
      name,
      risky: riskyIn(permissions),
      ...(read?.kind === "answered" && { details: detailsOf(read.found, now) }),
    });
  }
  return { kind: "answered", found };
}

function detailsOf(guild: GuildPermissions, now: number): NonNullable<SeenGuild["details"]> {
  const lacksIn = (channel: Extract<PostingPlace, { kind: "channel" }>["channel"]) =>
    lacksOf(guild, { kind: "channel", channel }, now);
  return {
    lacks: lacksIn({ overwrites: [] }),
    channels: [...guild.channels].filter(([, { isCategory }]) => !isCategory)
      .map(([id, channel]) => ({ id, name: channel.name ?? id, lacks: lacksIn(channel) })),
  };
}

/** A bot that does not see a channel can do nothing there, so the rest is not listed. */
function lacksOf(guild: GuildPermissions, place: PostingPlace, now: number): readonly Lack[] {
  const lacks = USED.flatMap((permission) => findDenial(guild, place, [permission], now) ?? []);
  const hidden = lacks.filter(({ permission }) => permission === "View Channel");
  return hidden.length > 0 ? hidden : lacks;
}
