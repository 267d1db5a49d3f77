/** Acts at the developer portal: makes applications, and shares them in a team. */

import type { UserId } from "../../src/core/discord/ids.ts";
import { joinGuild } from "./changes.ts";
import { addApplication, addTeam } from "../world/create_world.ts";
import { PRIVILEGED_INTENTS } from "../world/intents.ts";
import type { Application, TeamMember, World, WorldEvent } from "../world/world.ts";

export interface NewBot {
  readonly username: string;
  /** Names or ids of the guilds that invite it; none, if absent. */
  readonly guilds?: readonly string[];
  /** Creator; the owner of the world's first application, if absent. */
  readonly ownerId?: UserId;
  /** Other owners: then the application belongs to a team. */
  readonly team?: readonly TeamMember[];
  /** Privileged intents that are switched on; all, if absent. */
  readonly privilegedIntents?: number;
}

export interface Portal {
  /** Makes an application with a bot, and invites it. */
  addBot(bot: NewBot): Application;
}

export interface PortalDeps {
  readonly world: World;
  readonly now: () => number;
  publish(events: readonly WorldEvent[]): void;
}

export function createPortal({ world, now, publish }: PortalDeps): Portal {
  return {
    addBot({ username, guilds = [], team, privilegedIntents = PRIVILEGED_INTENTS, ...given }) {
      const [first] = world.applications.values();
      const ownerId = given.ownerId ?? first?.ownerId;
      if (!ownerId) throw new RangeError(`Cannot make the bot ${username}: say who owns it`);
      const at = now();
      const application = addApplication(world, {
        username,
        ownerId,
        privilegedIntents,
        ...(team && {
          team: addTeam(world, { name: `${username}'s makers`, ownerId, members: team }, at),
        }),
      }, at);
      for (const wanted of guilds) {
        const guild = [...world.guilds.values()].find(({ id, name }) =>
          id === wanted || name === wanted
        );
        if (!guild) throw new RangeError(`Cannot invite ${username}: no guild is called ${wanted}`);
        publish([joinGuild(world, guild, application.userId, at)]);
      }
      return application;
    },
  };
}
