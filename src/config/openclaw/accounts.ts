/**
 * Accounts that share keys, written so that they share no more here than they did in OpenClaw.
 *
 * OpenClaw puts an account's `guilds` in the place of the shared ones; here the two are merged,
 * key by key (C6). A guild of the one account would then be allowed to the other.
 *
 * @module
 */

import { entryAt, entryOf, withValue } from "./tree.ts";
import type { Place } from "./rules.ts";
import type { Container, Entry, Part } from "../text/json5.ts";

/** What is not inherited, or not by such a merge. */
const OWN = new Set(["accounts", "enabled", "token", "name"]);

/**
 * Gives each account all that it has in OpenClaw, where it and the shared keys have a section of
 * one name. Elsewhere nothing changes.
 */
export function spread(discord: Container, place: Place): Container {
  const accounts = entryAt(discord, "accounts");
  if (accounts?.value.kind !== "object") return discord;
  const shared = discord.entries.filter(({ key = "" }) => !OWN.has(key));
  const isMerged = accounts.value.entries.some(({ value }) =>
    shared.some(({ key = "", value: ours }) =>
      ours.kind === "object" && entryAt(value, key)?.value.kind === "object"
    )
  );
  if (!isMerged) return discord;

  const why = "An account's section takes the place of the shared one in OpenClaw, and is merged " +
    "with it here: so each account has all its keys written";
  place.note("changed", `${place.path}.accounts`, accounts.line, why);
  const hasDefault = accounts.value.entries.some(({ key }) => key?.toLowerCase() === "default");
  const isServed = entryAt(discord, "token") !== undefined;
  const entries = isServed && !hasDefault
    ? [entryOf("default", {}, accounts.line), ...accounts.value.entries]
    : accounts.value.entries;
  const full = entries.map((entry, index) => withValue(entry, filled(entry.value, shared, index)));
  const value = { ...accounts.value, entries: full, isOnLines: true };
  return {
    ...discord,
    entries: discord.entries.filter(({ key = "" }) => OWN.has(key))
      .map((entry) => entry === accounts ? withValue(entry, value) : entry),
  };
}

/** Comments go with the first copy. */
function filled(account: Part, shared: readonly Entry[], index: number): Part {
  if (account.kind !== "object") return account;
  const missing = shared.filter(({ key = "" }) => !entryAt(account, key));
  const copies = index === 0 ? missing : missing.map(bare);
  return { ...account, entries: [...account.entries, ...copies], isOnLines: true };
}

function bare(entry: Entry): Entry {
  const { value } = entry;
  const inner: Part = value.kind === "scalar"
    ? value
    : { ...value, entries: value.entries.map(bare), opening: [], closing: [] };
  return { ...entry, value: inner, before: [], between: [], after: [] };
}
