/**
 * Finds out about somebody what an access rule may ask: the id behind a name, the name behind an
 * id, roles, and whether the bot is theirs.
 *
 * @module
 */

import { type BotConfig, forAccount } from "../../config/config.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Role } from "../../core/inbound/inbound.ts";
import type { GuildIndex } from "../../discord/gateway/decode/guild_index.ts";
import { namedRoles } from "../../discord/gateway/decode/senders.ts";
import { createMembers, createReadRoles } from "../../discord/rest/calls/members.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { printable } from "../../lib/text/quoted.ts";
import { unresolvedNames } from "../../policy/pinned.ts";
import { prepareAsksRoles } from "../../policy/places.ts";
import type { AccessPolicy } from "../../policy/rules.ts";
import type { Store } from "../../store/store.ts";
import type { NamedUser } from "./hypothetical.ts";
import type { FoundPlace } from "./place.ts";
import { apiOf, type Discord, openDiscord, tokenIn } from "../shared/discord.ts";
import type { Env } from "../terminal/io.ts";

export interface LookUp {
  readonly user: NamedUser;
  readonly place: FoundPlace;
  readonly index: GuildIndex;
  readonly policy: AccessPolicy;
  /** As the command line says; absent where it says nothing. */
  readonly roles?: readonly Role[];
  readonly needsOwner: boolean;
  readonly isOffline: boolean;
}

export interface LookUpPorts {
  readonly config: BotConfig;
  readonly accountId: AccountId;
  readonly store: Store | undefined;
  readonly env: Env;
}

export interface UserFacts {
  readonly user: NamedUser;
  readonly roles: readonly Role[];
  readonly ownsApplication: boolean;
  /** What a rule may ask and nobody could tell, in words. */
  readonly unknown: readonly string[];
}

/** Asks the store, and then Discord for what is still missing. */
export async function lookUpUser(asked: LookUp, ports: LookUpPorts): Promise<UserFacts> {
  const discord = asked.isOffline ? undefined : discordOf(ports);
  const unknown: string[] = [];
  try {
    const user = await userOf(asked, ports, discord, unknown);
    return {
      user,
      roles: await rolesOf(asked, user, discord, unknown),
      ownsApplication: await owns(asked, user, discord, unknown),
      unknown,
    };
  } finally {
    discord?.stop();
  }
}

/** Discord, where the account has a token that a request can carry. */
function discordOf({ config, accountId, env }: LookUpPorts): Discord | undefined {
  const api = apiOf(env);
  const account = config.accounts.find((one) => one.accountId === accountId);
  const token = account && tokenIn(forAccount(config, account));
  return token === undefined || "problem" in api ? undefined : openDiscord(token, api.base);
}

async function userOf(
  { user, place, index, policy }: LookUp,
  { store, accountId }: LookUpPorts,
  discord: Discord | undefined,
  unknown: string[],
): Promise<NamedUser> {
  const known = await knownUsers(store, accountId);
  const { id, username } = user;
  if (id !== undefined) {
    const found = known.find((one) => one.id === id);
    if (found) return found;
    if (unresolvedNames(policy).some(({ kind }) => kind === "user")) {
      unknown.push("their username is not known, so entries that are names match nobody here");
    }
    return user;
  }
  if (username === undefined) return user;
  const isTheirs = (name: string | undefined): boolean =>
    name?.toLowerCase() === username.toLowerCase();
  const guilds = place.guildId ? [place.guildId] : Array.from(index.keys());
  const members = discord && createMembers(discord.api);
  for (const guildId of members ? guilds : []) {
    try {
      const found = await members?.search(guildId, username.replace(/#\d{4}$/, "")) ?? [];
      const member = found.find((one) => isTheirs(one.username) || isTheirs(one.tag));
      if (member) return { id: member.userId, username: member.tag ?? member.username };
    } catch (error) {
      unknown.push(`Discord does not say who ${printable(username)} is: ${wordsOf(error)}`);
      break;
    }
  }
  const found = known.find((one) => isTheirs(one.username));
  if (found) return found;
  unknown.push(
    `the id of ${printable(username)} is not known, so entries that are ids match nobody here`,
  );
  return user;
}

/** People of whom the store has both. */
async function knownUsers(
  store: Store | undefined,
  accountId: AccountId,
): Promise<readonly Required<NamedUser>[]> {
  if (!store) return [];
  const names = await store.pairing.namesOf(accountId);
  return [
    ...names.flatMap((name) => name.kind === "user" ? [{ id: name.id, username: name.name }] : []),
    ...(await store.pairing.paired(accountId)).map(({ userId, username }) => ({
      id: userId,
      username,
    })),
    ...(await store.pairing.requests(accountId, Date.now())).map(({ userId, username }) => ({
      id: userId,
      username,
    })),
  ];
}

async function rolesOf(
  { place: { place, guildId }, index, policy, roles }: LookUp,
  { id }: NamedUser,
  discord: Discord | undefined,
  unknown: string[],
): Promise<readonly Role[]> {
  if (roles || place.kind !== "guild" || !guildId) return roles ?? [];
  if (!prepareAsksRoles(policy)(place)) return [];
  if (discord && id !== undefined) {
    try {
      const ids = await createReadRoles(discord.api)(guildId, id);
      return namedRoles(ids, index.get(guildId));
    } catch (error) {
      unknown.push(`Discord does not tell their roles: ${wordsOf(error)}`);
      return [];
    }
  }
  unknown.push("their roles are not known, and a list here asks for them: name them by --role");
  return [];
}

async function owns(
  { needsOwner, policy }: LookUp,
  { id }: NamedUser,
  discord: Discord | undefined,
  unknown: string[],
): Promise<boolean> {
  if (!needsOwner || policy.commands.owners) return false;
  if (discord && id !== undefined) {
    try {
      return (await discord.applications.me()).ownerIds.includes(id);
    } catch (error) {
      unknown.push(`Discord does not tell whose bot it is: ${wordsOf(error)}`);
      return false;
    }
  }
  unknown.push("whose bot it is is not known: list its owners in commands.ownerAllowFrom");
  return false;
}

function wordsOf(error: unknown): string {
  if (error instanceof RestError) return printable(error.message);
  throw error;
}
