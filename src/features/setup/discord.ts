/** Asks Discord what a setup needs to know, with the token that the user has given. All names are printable. */

import { openDiscord } from "../../cli/shared/discord.ts";
import type { GuildId, UserId } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { PERMISSIONS } from "../../core/rights/rights.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/exchange.ts";
import { askApplication, readOwnId, setFlags } from "../../discord/rest/requests/application.ts";
import {
  createReadGuildPermissions,
  listGuilds,
  readUser,
  searchMembers,
} from "../../discord/rest/requests/guild_reads.ts";
import type { ProbeAnswer } from "../../flows/preflight/discord.ts";
import { ask, channelsSeen } from "../../flows/preflight/examine.ts";
import type { SeenChannel } from "../../flows/preflight/permissions.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { BotIdentity, SetupContext, SetupPerson, SetupState } from "./answers.ts";

export interface OfferedChannel extends SeenChannel {
  /** Whether `@everyone` does not see it. */
  readonly isPrivate: boolean;
}

/** Members of a search; more would not help a person. */
const FOUND_MAX = 20;

/** Asks Discord with the token of the answers, and with a line about it. */
export async function askDiscord<Found>(
  { api: url, dialogue }: SetupContext,
  { token = "" }: SetupState,
  question: (api: RestApi, signal: AbortSignal) => Promise<Found>,
  line = "Asking Discord",
): Promise<Found> {
  const { api, stop } = openDiscord(token, url);
  try {
    return await dialogue.during(line, (signal) => question(api, signal));
  } finally {
    stop();
  }
}

export function whoAmI(api: RestApi): Promise<ProbeAnswer<BotIdentity>> {
  return ask(async () => {
    const found = await askApplication(api);
    const { id: applicationId, flags, needsCodeGrant, ownerIds, ownerId, owner, isTeam } = found;
    const owners = isTeam || owner === undefined || ownerId === undefined
      ? (await Promise.all(ownerIds.map((id) => personOf(api, id))))
        .filter((person) => person !== undefined)
      : [{ id: ownerId, name: printable(owner) }];
    const name = printable(found.name);
    const team = isTeam ? printable(owner ?? "a team") : undefined;
    return { applicationId, name, flags, needsCodeGrant, owners, team };
  });
}

export function serversOf(api: RestApi): Promise<ProbeAnswer<readonly Named<GuildId>[]>> {
  return ask(async () => {
    const guilds = await listGuilds(api);
    return guilds.map(({ id, name }) => ({ id, name: printable(name) }));
  });
}

/** The channels of a server, in the order in which Discord shows them. */
export function channelsOf(
  api: RestApi,
  guildId: GuildId,
): Promise<ProbeAnswer<readonly OfferedChannel[]>> {
  return ask(async () => {
    const guild = await createReadGuildPermissions(api)(guildId, await readOwnId(api));
    const closed = (id: OfferedChannel["id"]): boolean =>
      guild.channels.get(id)?.overwrites.some((overwrite) =>
        String(overwrite.id) === String(guildId) &&
        (overwrite.deny & PERMISSIONS["View Channel"]) !== 0n
      ) ?? false;
    const place = (id: OfferedChannel["id"]) => guild.channels.get(id)?.position ?? 0;
    return channelsSeen(guild, Date.now())
      .map((seen) => ({ ...seen, name: printable(seen.name), isPrivate: closed(seen.id) }))
      .sort((one, other) => place(one.id) - place(other.id));
  });
}

/** Enables privileged intents. @returns The problem, or `undefined`. */
export async function enableIntents(api: RestApi, flags: number): Promise<string | undefined> {
  try {
    await setFlags(api, flags);
    return undefined;
  } catch (error) {
    if (error instanceof RestError) return printable(error.message);
    throw error;
  }
}

/** A person by id; `undefined` if there is none. */
export async function personOf(api: RestApi, id: UserId): Promise<SetupPerson | undefined> {
  const found = await readUser(api, id);
  return found && { id, name: printable(found.username) };
}

/** Members whose name begins with a text; `undefined` if the bot may not search. */
export async function membersCalled(
  api: RestApi,
  guildId: GuildId,
  text: string,
): Promise<readonly SetupPerson[] | undefined> {
  try {
    const found = await searchMembers(api, guildId, text, {}, FOUND_MAX);
    return found.filter(({ isBot }) => !isBot)
      .map(({ userId: id, username }) => ({ id, name: printable(username) }));
  } catch (error) {
    if (error instanceof RestError) return undefined;
    throw error;
  }
}
