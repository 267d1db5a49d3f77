/** Checks permissions for routes that change a guild. */

import { parseSnowflake, type UserId } from "../../src/core/discord/ids.ts";
import { openChannel } from "../world/access.ts";
import { channelPermissions, guildPermissions } from "../world/permissions.ts";
import { REFUSALS, type Refused } from "../world/refusals.ts";
import type { Channel, Guild, Member, TextChannel, Thread, World } from "../world/world.ts";
import { answerRefused } from "./answers.ts";

/** Runs `act` with the guild of a path if the bot has a permission there. */
export function inGuild(
  world: World,
  id: string | undefined,
  self: UserId,
  bit: bigint,
  act: (guild: Guild) => Response,
): Response {
  const guildId = parseSnowflake<"guild">(id ?? "");
  const guild = guildId && world.guilds.get(guildId);
  if (!guild) return answerRefused(REFUSALS.unknownGuild);
  if (!guild.members.has(self)) return answerRefused(REFUSALS.missingAccess);
  if ((guildPermissions(guild, self) & bit) !== bit) {
    return answerRefused(REFUSALS.missingPermissions);
  }
  return act(guild);
}

/** Runs `act` with the guild's channel of a path if the bot has a permission there. */
export function inChannel(
  world: World,
  id: string | undefined,
  self: UserId,
  bit: bigint,
  act: (channel: TextChannel | Thread, guild: Guild) => Response,
): Response {
  const access = openChannel(world, id ?? "", self, "view");
  if (access.kind === "refused") return answerRefused(access.refused);
  const { channel } = access;
  if (!isOfGuild(channel)) return answerRefused(REFUSALS.notInDms);
  const guild = world.guilds.get(channel.guildId);
  if (!guild) return answerRefused(REFUSALS.unknownGuild);
  if ((channelPermissions(world, channel, self) & bit) !== bit) {
    return answerRefused(REFUSALS.missingPermissions);
  }
  return act(channel, guild);
}

function isOfGuild(channel: Channel): channel is TextChannel | Thread {
  return "guildId" in channel;
}

/** The member of a path, or the refusal. */
export function memberOf(guild: Guild, id: string | undefined): Member | Refused {
  const userId = parseSnowflake<"user">(id ?? "");
  return (userId && guild.members.get(userId)) ?? REFUSALS.unknownMember;
}

/** Whether the bot's highest role is above that of a member. Later roles are higher. */
export function outranks(guild: Guild, self: UserId, member: Member): boolean {
  if (member.userId === guild.ownerId) return false;
  const rank = ({ roles }: Pick<Member, "roles">) =>
    Math.max(0, ...roles.map((id) => [...guild.roles.keys()].indexOf(id)));
  const own = guild.members.get(self);
  return own !== undefined && rank(own) > rank(member);
}
