/** Asks Discord what a setup needs to know, with the token that the user has given. */

import { askApplication, readOwnId, setFlags } from "../../../discord/rest/requests/application.ts";
import { ask, channelsSeen, HIDDEN } from "../../../flows/preflight/examine.ts";
import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import { PERMISSIONS } from "../../../core/rights/rights.ts";
import {
  createReadGuildPermissions,
  findChannel,
  listGuilds,
  readUser,
  searchMembers,
} from "../../../discord/rest/requests/guild_reads.ts";
import { RestError } from "../../../discord/rest/exchange/rest_error.ts";
import type { ProbeAnswer } from "../../../flows/preflight/discord.ts";
import type { SeenChannel } from "../../../flows/preflight/permissions.ts";
import { printable } from "../../../lib/text/quoted.ts";
import { ASK_MS, openDiscord } from "../../../cli/shared/discord.ts";
import type { BotIdentity, SetupPerson } from "../answers/state.ts";

export interface OfferedChannel extends SeenChannel {
  /** Whether `@everyone` does not see it. */
  readonly isPrivate: boolean;
}

/** Members of a search; more would not help a person. */
const FOUND_MAX = 20;

export function createSetupDiscord(token: string, apiUrl: string) {
  const { api, stop } = openDiscord(token, apiUrl);
  const readGuild = createReadGuildPermissions(api);

  async function personOf(id: UserId): Promise<SetupPerson> {
    const found = await readUser(api, id).catch((error: unknown) => {
      if (error instanceof RestError) return undefined; // the id alone is a name, too
      throw error;
    });
    return { id, name: printable(found?.username ?? id) };
  }

  return {
    whoAmI: (): Promise<ProbeAnswer<BotIdentity>> =>
      ask(async () => {
        const found = await askApplication(api);
        const { id: applicationId, flags, needsCodeGrant, ownerIds, ownerId, owner } = found;
        const { isTeam } = found;
        const owners = isTeam || owner === undefined || ownerId === undefined
          ? await Promise.all(ownerIds.map(personOf))
          : [{ id: ownerId, name: printable(owner) }];
        const name = printable(found.name);
        const team = isTeam ? printable(owner ?? "a team") : undefined;
        return { applicationId, name, flags, needsCodeGrant, owners, team };
      }, ASK_MS),
    servers: (): Promise<ProbeAnswer<readonly Named<GuildId>[]>> =>
      ask(async () => {
        const guilds = await listGuilds(api);
        return guilds.map(({ id, name }) => ({ id, name: printable(name) }));
      }, ASK_MS),
    /** The channels of a server, in the order in which Discord shows them. */
    channels: (guildId: GuildId): Promise<ProbeAnswer<readonly OfferedChannel[]>> =>
      ask(async () => {
        const guild = await readGuild(guildId, await readOwnId(api));
        const closed = (id: OfferedChannel["id"]): boolean =>
          guild.channels.get(id)?.overwrites.some((overwrite) =>
            String(overwrite.id) === String(guildId) &&
            (overwrite.deny & PERMISSIONS["View Channel"]) !== 0n
          ) ?? false;
        const place = (id: OfferedChannel["id"]) => guild.channels.get(id)?.position ?? 0;
        return channelsSeen(guild, Date.now())
          .map(({ id, name, missing }) => ({
            id,
            name: printable(name),
            missing,
            isPrivate: closed(id),
          }))
          .sort((one, other) => place(one.id) - place(other.id));
      }, ASK_MS),
    /** A channel that exists, and that the bot may not see; `undefined` if there is no such one. */
    async hidden(id: ChannelId): Promise<OfferedChannel | undefined> {
      const answer = await ask(() => findChannel(api, id), ASK_MS);
      if (answer.kind !== "answered" || answer.found !== "hidden") return undefined;
      return { id, name: id, missing: [HIDDEN], isPrivate: true };
    },
    /** Enables privileged intents. @returns The problem, or `undefined`. */
    async setFlags(flags: number): Promise<string | undefined> {
      try {
        await setFlags(api, flags);
        return undefined;
      } catch (error) {
        if (error instanceof RestError) return printable(error.message);
        throw error;
      }
    },
    /** A person by id; `undefined` if there is none. */
    async person(id: UserId): Promise<SetupPerson | undefined> {
      const found = await readUser(api, id);
      return found && { id, name: printable(found.username) };
    },
    /** Members whose name begins with a text; `undefined` if the bot may not search. */
    async search(guildId: GuildId, text: string): Promise<readonly SetupPerson[] | undefined> {
      try {
        const found = await searchMembers(api, guildId, text, {}, FOUND_MAX);
        return found.filter(({ isBot }) => !isBot)
          .map(({ userId: id, username }) => ({ id, name: printable(username) }));
      } catch (error) {
        if (error instanceof RestError) return undefined;
        throw error;
      }
    },
    stop,
  };
}

/** Discord, as a setup asks it. All names are printable. */
export type SetupDiscord = ReturnType<typeof createSetupDiscord>;
