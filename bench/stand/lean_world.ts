/** The guilds of the lean Discord, with ids that are the same in every run. */

import type { GuildId } from "../../src/core/discord/ids.ts";
import { toCreatedGuild } from "../../simulator/payloads/guild.ts";
import {
  addApplication,
  addBot,
  addChannel,
  addGuild,
  addMember,
  addUser,
  createWorld,
} from "../../simulator/world/create_world.ts";
import { PRIVILEGED_INTENTS } from "../../simulator/world/intents.ts";
import { DEFAULT_PERMISSIONS } from "../../simulator/world/permissions.ts";
import { toMember } from "../../simulator/payloads/payloads.ts";
import type { Application, TextChannel, User, World } from "../../simulator/world/world.ts";
import { CHANNELS } from "./discord.ts";

/** Guilds besides the one in which the bot may answer, each with so many channels and members. */
export interface WorldSize {
  readonly guilds: number;
  readonly channels: number;
  readonly members: number;
}

/** The guilds in which the bot may answer. */
export interface Homes {
  readonly guilds: number;
  /** Channels of each, besides the first guild's `general`. */
  readonly rooms: number;
}

export interface LeanWorld {
  readonly world: World;
  readonly bot: Application;
  readonly botUser: User;
  readonly person: User;
  /** Guilds in which the bot may answer. */
  readonly homeIds: readonly GuildId[];
  readonly guildIds: readonly GuildId[];
  /** The guilds in REST's list. */
  readonly guildList: readonly object[];
  /** Names of these guilds' channels, besides `general`. */
  readonly channels: readonly string[];
  /** GUILD_CREATE's JSON of each guild, with all its members. */
  readonly guildPayloads: ReadonlyMap<GuildId, string>;
  /** By id or name. */
  channelOf(key: string): TextChannel | undefined;
}

const FOUNDED_AT = Date.UTC(2026, 0, 1);

export function foundLeanWorld(
  size?: WorldSize,
  homes: Homes = { guilds: 1, rooms: CHANNELS },
): LeanWorld {
  const world = createWorld({ nonceWindowMs: 180_000, keptPerChannel: 1 });
  const at = FOUNDED_AT;
  const person = addUser(world, { username: "grace", globalName: "Grace" }, at);
  const bot = addApplication(world, {
    username: "Barnacle",
    ownerId: person.id,
    privilegedIntents: PRIVILEGED_INTENTS,
  }, at);
  const botUser = world.users.get(bot.userId);
  if (!botUser) throw new TypeError("The application has no user");
  const channels: string[] = [];
  const byKey = new Map<string, TextChannel>();
  const homeIds = Array.from({ length: homes.guilds }, (_, home) => {
    const name = home === 0 ? "Krill & Co" : `Krill & Co ${home}`;
    const guild = addGuild(world, { name, ownerId: person.id }, at + home);
    addBot(world, guild, bot, at);
    const rooms = Array.from(
      { length: homes.rooms },
      (_, number) => `krill-${home * homes.rooms + number}`,
    );
    for (const name of home === 0 ? ["general", ...rooms] : rooms) {
      const channel = addChannel(world, guild, { name }, at);
      byKey.set(name, channel).set(channel.id, channel);
    }
    channels.push(...rooms);
    return guild.id;
  });
  for (let number = 0; number < (size?.guilds ?? 0); number++) {
    if (size) foundGuild(world, bot, `Guild ${number}`, size, at + homes.guilds + number);
  }
  const guilds = [...world.guilds.values()];
  return {
    world,
    bot,
    botUser,
    person,
    homeIds,
    guildIds: guilds.map(({ id }) => id),
    guildList: guilds.map(({ id, name }) => ({
      id,
      name,
      icon: null,
      banner: null,
      owner: false,
      permissions: String(DEFAULT_PERMISSIONS),
      features: [],
    })),
    channels,
    guildPayloads: new Map(guilds.map((guild) => [
      guild.id,
      JSON.stringify({
        ...toCreatedGuild(world, guild, { userId: bot.userId, intents: 0 }),
        members: [...guild.members.values()].map((member) => toMember(world, member)),
      }),
    ])),
    channelOf: (key) => byKey.get(key),
  };
}

function foundGuild(
  world: World,
  bot: Application,
  name: string,
  size: WorldSize,
  at: number,
): void {
  const people = Array.from(
    { length: size.members - 1 },
    (_, number) => addUser(world, { username: `person.${number}` }, at),
  );
  const [owner = world.users.get(bot.ownerId)] = people;
  if (!owner) throw new RangeError("A guild takes an owner");
  const guild = addGuild(world, { name, ownerId: owner.id }, at);
  for (const { id } of people) addMember(guild, { userId: id, joinedAt: at });
  addBot(world, guild, bot, at);
  for (let number = 0; number < size.channels; number++) {
    addChannel(world, guild, { name: `room-${number}`, topic: "All about krill" }, at);
  }
}
