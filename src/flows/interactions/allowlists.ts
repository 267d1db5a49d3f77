/**
 * Shows and changes the allow lists of people, for `/allowlist` (K2).
 *
 * A list is a part of the config file. So a change is written there, and applies as any other change
 * of the file (C9, C10).
 */

import type { BotAccount } from "../../account/account.ts";
import { pathTo } from "../../lib/text/quoted.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { CommandCall } from "../../core/inbound/inbound.ts";
import type { ListChange, ListChoice, NoList, PeopleList } from "../../core/names.ts";
import { readUser } from "../../discord/rest/requests/guild_reads.ts";
import {
  admitsEveryone,
  type ListedPerson,
  peopleListOf,
  withoutPerson,
  withPerson,
} from "../../policy/rules.ts";

/** A list as it holds now, with the people who have access by a pairing. */
export async function peopleIn(
  { accountId, policy, store: { pairing } }: BotAccount,
  { place }: CommandCall,
  choice: ListChoice,
): Promise<{
  readonly list: PeopleList | NoList;
  readonly paired: readonly { readonly userId: UserId; readonly username: string }[];
}> {
  const list = peopleListOf(place, choice, policy().policy);
  const hasPairings = list.kind === "list" && list.hasPairings;
  return { list, paired: hasPairings ? await pairing.paired(accountId) : [] };
}

/** Adds a person to a list, or removes one. A change applies as soon as the bot has read it. */
export async function changePeople(
  account: BotAccount,
  { place }: CommandCall,
  choice: ListChoice,
  how: "add" | "remove",
  userId: UserId,
): Promise<ListChange> {
  const { accountId, policy, settings: { configFile }, store: { pairing } } = account;
  const list = peopleListOf(place, choice, policy().policy);
  if (list.kind !== "list") return list;
  const known = await personOf(account, userId);
  // A person whose account is gone can still be removed.
  if (!known && how === "add") return { kind: "no_user" };
  const person = known ?? { id: userId };
  const edited = how === "add" ? withPerson : withoutPerson;
  const { rule, entries } = list;
  const result = await configFile?.editList(rule, (written) => edited(written, person, entries)) ??
    { kind: "failed", problem: "there is no config file" };
  if (result.kind === "failed") {
    return { ...result, command: commandFor(list, how, userId) };
  }
  // Last, because a failure above must leave both as they were.
  const isUnpaired = how === "remove" && list.hasPairings &&
    await pairing.revoke(accountId, userId) !== undefined;
  return {
    kind: result.kind === "changed" || isUnpaired ? "changed" : "unchanged",
    rule,
    hasEveryone: admitsEveryone(result.entries) || undefined,
    admitsNoOne: (result.entries.length === 0 && !list.isOfDms) || undefined,
    isUnpaired: isUnpaired || undefined,
  };
}

/** The names by which an entry may mean the person; `undefined` if Discord has no such user. */
async function personOf(
  { rest, log }: BotAccount,
  userId: UserId,
): Promise<ListedPerson | undefined> {
  try {
    const user = await readUser(rest, userId);
    return user && { id: userId, ...user };
  } catch (error) {
    log.warn("Cannot read a user's name; only entries by id count", { userId, error });
    return { id: userId };
  }
}

/** A command for the bot's machine that makes the same change. */
function commandFor({ rule, entries }: PeopleList, how: "add" | "remove", userId: UserId): string {
  if (how === "add") return `barnacle config set '${rule}[+]' ${userId}`;
  const at = entries.findIndex((entry) => entry.userId === userId);
  return at < 0 ? `barnacle config get '${rule}'` : `barnacle config unset '${pathTo(rule, at)}'`;
}
