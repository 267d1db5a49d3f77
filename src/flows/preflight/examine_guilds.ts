/**
 * Reads the bot's permissions in its guilds, for `barnacle doctor`.
 *
 * One request lists the guilds. Each guild in which the bot may answer takes three more, so Barnacle
 * reads at most some of them. Discord lists no hidden channels, so each listed one takes one, too.
 */

import type { ChannelId, GuildId, UserId } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import {
  createReadGuildPermissions,
  findChannel,
  type GuildPermissions,
  listGuilds,
} from "../../discord/rest/requests/guild_reads.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import {
  type Denial,
  findDenial,
  type PostingPlace,
} from "../../discord/rest/permissions/denial.ts";
import {
  type Channel,
  CHANNEL_KINDS,
  isForum,
  type Permission,
  riskyIn,
} from "../../core/rights/permissions.ts";
import { permissionsToAsk } from "../../core/invite.ts";
import { type ProbeAnswer, whyUnknown } from "./discord.ts";
import type { MissingPermission, SeenChannel, SeenGuild } from "./permissions.ts";
import { ask } from "./examine.ts";

/** Maximum number of guilds to read in detail. */
const GUILDS_MAX = 20;

/** The permissions that the bot uses in a channel that it sees, most basic first. */
const USED: readonly Permission[] = [
  "Send Messages",
  "Read Message History",
  "Attach Files",
  "Add Reactions",
];

const VIEW: Permission = "View Channel";
/** The lack of a channel that Discord does not list. */
export const HIDDEN: MissingPermission = { permission: VIEW, deniedBy: "the channel's settings" };
const INVITED = permissionsToAsk({}).map(({ permission }) => permission);
const FURTHER = INVITED.filter((permission) => permission !== VIEW && !USED.includes(permission));

/**
 * Reads all guilds of the bot; those in which it may answer in detail.
 *
 * @param self Reads the id of the bot's own user.
 * @param listedIn The channels that the config lists; `undefined` if the bot may not answer there.
 */
export async function examineGuilds(
  api: RestApi,
  self: () => Promise<UserId>,
  listedIn: (guild: Named<GuildId>) => readonly Named<ChannelId>[] | undefined,
  now: number,
  timeoutMs: number,
): Promise<ProbeAnswer<readonly SeenGuild[]>> {
  const listed = await ask(() => listGuilds(api), timeoutMs);
  if (listed.kind !== "answered") return listed;
  const answered = listed.found.filter(listedIn);
  const chosen = new Set(answered.slice(0, GUILDS_MAX));
  const passedOver = new Set(answered.slice(GUILDS_MAX));
  const userId = chosen.size === 0 ? undefined : await ask(self, timeoutMs);
  if (userId && userId.kind !== "answered") return userId;
  const readGuild = createReadGuildPermissions(api);
  /** Finds the listed channels that Discord does not list: hidden ones, and those that are gone. */
  const findUnlisted = async (guild: Named<GuildId>, { channels }: GuildPermissions) => {
    const hidden: SeenChannel[] = [];
    const gone: string[] = [];
    for (const { id, name } of listedIn(guild) ?? []) {
      const answer = channels.has(id)
        ? undefined
        : await ask(() => findChannel(api, id), timeoutMs);
      if (answer?.kind !== "answered") continue;
      if (answer.found === undefined) gone.push(name);
      if (answer.found === "hidden") hidden.push({ id, name, missing: [HIDDEN] });
    }
    return { hidden, gone };
  };
  const found: SeenGuild[] = [];
  for (const guild of listed.found) {
    const { id, name, permissions } = guild;
    const read = userId && chosen.has(guild)
      ? await ask(() => readGuild(id, userId.found), timeoutMs)
      : undefined;
    const unlisted = read?.kind === "answered" ? await findUnlisted(guild, read.found) : undefined;
    found.push({
      id,
      name,
      risky: riskyIn(permissions ?? 0n),
      isPassedOver: passedOver.has(guild) || undefined,
      unread: read && read.kind !== "answered" ? whyUnknown(read) : undefined,
      details: read?.kind === "answered"
        ? {
          channels: [...channelsSeen(read.found, now), ...unlisted?.hidden ?? []],
          gone: unlisted?.gone,
          roles: read.found.guild.roles.map((role) => ({ id: role.id, name: role.name })),
        }
        : undefined,
    });
  }
  return { kind: "answered", found };
}

/** The channels of a guild without categories, each with the bot's permissions there. */
export function channelsSeen(guild: GuildPermissions, now: number): readonly SeenChannel[] {
  return [...guild.channels].filter(([, { type }]) => type !== CHANNEL_KINDS.category)
    .map(([id, channel]) => {
      const place = placeIn(channel);
      const missing = missingIn(guild, place, USED, now);
      return {
        id,
        name: channel.name || id,
        isForum: isForum(channel) || undefined,
        missing,
        furtherMissing: missingIn(guild, place, FURTHER, now)
          .filter(({ permission }) => missing.every((one) => one.permission !== permission)),
        granted: INVITED.filter((one) => !findDenial(guild, place, [one], now)),
      };
    });
}

/** In a forum, the bot answers within threads. */
function placeIn(channel: Channel): PostingPlace {
  return isForum(channel)
    ? { kind: "thread", name: "", parent: channel, isLocked: false }
    : { kind: "channel", channel };
}

/** Each lack once. A bot that does not see a channel can do nothing there: the rest is left out. */
function missingIn(
  guild: GuildPermissions,
  place: PostingPlace,
  permissions: readonly Permission[],
  now: number,
): readonly MissingPermission[] {
  const denial = (permission: Permission): Denial | undefined =>
    findDenial(guild, place, [permission], now);
  const hidden = denial(VIEW);
  const found = hidden ? [hidden] : permissions.flatMap((permission) => denial(permission) ?? []);
  return [...new Map(found.map((one) => [one.permission, one])).values()];
}
