/** A guild at Discord, as its API and the gateway tell it: for tests at the seam of REST. */

import type { RoleId, UserId } from "../../../src/core/discord/ids.ts";
import { channelId, guildId, roleId, userId } from "./builders.ts";
import { type Answer, refused } from "./answers.ts";

export const GUILD = guildId("1400000000000000010");
export const HELP = channelId("1400000000000000011");
export const STAFF = channelId("1400000000000000013");
/** View Channel, Send Messages and Read Message History. */
const MAY_READ = String((1n << 10n) | (1n << 11n) | (1n << 16n));
const STAFF_ROLE = roleId("77");

/** What may change at Discord while a test runs. */
export interface AtDiscord {
  /** The roles of members; a person who is not there is no member. Absent: everyone is one. */
  members?: Map<UserId, readonly RoleId[]>;
  isDown?: boolean;
  /** Further fields of every member. */
  member?: object;
  /** Whether Discord opens no direct channels. */
  refusesDirect?: boolean;
  /** Whether it takes no words in `HELP`. */
  refusesPosts?: boolean;
}

export const channels = [
  { id: HELP, type: 0, name: "help", permission_overwrites: [] },
  {
    id: STAFF,
    type: 0,
    name: "staff",
    permission_overwrites: [
      { id: GUILD, type: 0, allow: "0", deny: MAY_READ },
      { id: STAFF_ROLE, type: 0, allow: MAY_READ, deny: "0" },
    ],
  },
];

/** Answers as a Discord with this guild. */
export function discordWith(world: AtDiscord): Answer {
  return ({ method, path }) => {
    if (world.isDown) throw new Error("offline");
    if (world.refusesPosts && path === `/channels/${HELP}/messages`) return refused(400, 50035);
    if (path === "/users/@me/channels" && world.refusesDirect) return refused(403, 50007);
    const member = new RegExp(`^/guilds/${GUILD}/members/(\\d+)$`).exec(path)?.[1];
    if (member) {
      const roles = world.members ? world.members.get(userId(member)) : [];
      return roles ? { user: { id: member }, roles, ...world.member } : refused(404, 10007);
    }
    if (method !== "GET") return undefined;
    if (path === `/guilds/${GUILD}`) return guild();
    if (path === `/guilds/${GUILD}/roles`) return guild().roles;
    if (path === `/guilds/${GUILD}/channels`) return channels;
    const channel = /^\/channels\/(\d+)$/.exec(path)?.[1];
    const found = channels.find(({ id }) => id === channel);
    return found && { ...found, guild_id: GUILD };
  };
}

function guild() {
  return {
    id: GUILD,
    name: "Friends of Barnacle",
    owner_id: "1",
    roles: [{ id: GUILD, name: "@everyone", permissions: MAY_READ, position: 0 }, {
      id: STAFF_ROLE,
      name: "staff",
      permissions: "0",
      position: 1,
    }],
  };
}
