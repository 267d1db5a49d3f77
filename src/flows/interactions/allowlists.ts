/**
 * Shows and changes the allow lists of people, for `/allowlist` (K2).
 *
 * A list is a part of the config file. So a change is written there, and applies as any other change
 * of the file (C9, C10).
 */

import type { Account } from "../../core/account/account.ts";
import { type ConfigFile, pathTo } from "../../core/config_file.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { ListChange, PeopleList } from "../../core/people/people_list.ts";
import type { Allowlists } from "../../interactions/base/context.ts";
import {
  admitsEveryone,
  type ListedPerson,
  peopleListOf,
  withoutPerson,
  withPerson,
} from "../../policy/rules/people_list.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { Pairing } from "../../store/pairing/pairing.ts";

type AllowlistChange = Parameters<Allowlists["change"]>[2];

/**
 * Creates the lists for `/allowlist`.
 *
 * @param policy The current rules, with resolved names.
 * @param file The config file; `undefined` if there is none.
 * @param readUser Reads a user's names from Discord; `undefined` if there is no such user.
 */
export function createAllowlists(
  { accountId, store: { pairing }, log }: Pick<
    Account<{ readonly pairing: Pick<Pairing, "paired" | "revoke"> }>,
    "accountId" | "store" | "log"
  >,
  policy: () => AccessPolicy,
  file: () => Pick<ConfigFile, "editList"> | undefined,
  readUser: (userId: UserId) => Promise<Omit<ListedPerson, "id"> | undefined>,
): Allowlists {
  /** The names by which an entry may mean the person; `undefined` if Discord has no such user. */
  async function personOf(userId: UserId): Promise<ListedPerson | undefined> {
    try {
      const user = await readUser(userId);
      return user && { id: userId, ...user };
    } catch (error) {
      log.warn("Cannot read a user's name; only entries by id count", { userId, error });
      return { id: userId };
    }
  }

  async function edit(
    { rule, entries }: PeopleList,
    how: AllowlistChange,
    person: ListedPerson,
  ): ReturnType<ConfigFile["editList"]> {
    const edited = how === "add" ? withPerson : withoutPerson;
    const result = await file()?.editList(rule, (written) => edited(written, person, entries));
    return result ?? { kind: "failed", problem: "there is no config file" };
  }

  return {
    async show({ place }, choice) {
      const list = peopleListOf(place, choice, policy());
      const hasPairings = list.kind === "list" && list.hasPairings;
      return { list, paired: hasPairings ? await pairing.paired(accountId) : [] };
    },
    async change({ place }, choice, how, userId): Promise<ListChange> {
      const list = peopleListOf(place, choice, policy());
      if (list.kind !== "list") return list;
      const person = await personOf(userId);
      // A person whose account is gone can still be removed.
      if (!person && how === "add") return { kind: "no_user" };
      const result = await edit(list, how, person ?? { id: userId });
      const { rule } = list;
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
    },
  };
}

/** A command for the bot's machine that makes the same change. */
function commandFor({ rule, entries }: PeopleList, how: AllowlistChange, userId: UserId): string {
  if (how === "add") return `barnacle config set '${rule}[+]' ${userId}`;
  const at = entries.findIndex((entry) => entry.userId === userId);
  return at < 0 ? `barnacle config get '${rule}'` : `barnacle config unset '${pathTo(rule, at)}'`;
}
