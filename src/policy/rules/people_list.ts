/**
 * Finds the allow list that decides in a place, and edits its entries, for `/allowlist` (P2, P10).
 *
 * A list is never made here: where there is none, a first entry would keep out all others.
 */

import { pathTo } from "../../core/config_file.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { Place, Sender } from "../../core/inbound/inbound.ts";
import type { ListChoice, ListedEntry, NoList, PeopleList } from "../../core/people/people_list.ts";
import { type AllowEntry, entryText, parseAllowEntry, prepareAllowlist } from "./allowlist.ts";
import { GUILDS, rulesFor } from "./place_rules.ts";
import type { AccessPolicy } from "./rules.ts";

const OWNERS = "commands.ownerAllowFrom";
const ALLOW_FROM = "channels.discord.dm.allowFrom";

/** Finds the list of a place. Group DMs have that of direct messages (P5). */
export function peopleListOf(
  place: Place,
  choice: ListChoice,
  policy: AccessPolicy,
): PeopleList | NoList {
  const { dm, guilds, ruleOf } = policy;
  if (choice === "owners") {
    const { owners } = policy.commands;
    return owners
      ? { kind: "list", rule: OWNERS, entries: owners.map(toListed), isOfDms: true }
      : { kind: "application", rule: OWNERS };
  }
  if (choice === "dm" || (choice === "here" && place.kind !== "guild")) {
    const rule = ruleOf(ALLOW_FROM);
    // The first key of `channels.discord` would switch guilds to the policy `allowlist` (P6).
    if (policy.hasNoSection) return { kind: "no_guilds", rule };
    return {
      kind: "list",
      rule,
      entries: dm.allowFrom.map(toListed),
      isOfDms: true,
      hasPairings: (dm.policy === "pairing") || undefined,
    };
  }
  if (place.kind !== "guild") return { kind: "no_guild" };
  if (!guilds) {
    return { kind: "no_guilds", rule: ruleOf(pathTo(pathTo(GUILDS, place.guild.id), "users")) };
  }
  const rules = rulesFor(place, policy);
  if (rules.kind === "closed") return { kind: "closed", rule: ruleOf(rules.rule) };
  const { users, guildUsers, guildPath } = rules;
  const everyone = { kind: "everyone", rule: ruleOf(pathTo(guildPath, "users")) } as const;
  const list = choice === "server" ? guildUsers : users;
  if (!list) return everyone;
  return { kind: "list", rule: ruleOf(list.rule), entries: list.value.map(toListed) };
}

function toListed(entry: AllowEntry): ListedEntry {
  if (entry.kind !== "user") return { text: entryText(entry) };
  return { text: entry.typed ?? entry.id, userId: entry.id };
}

export type ListedPerson = Pick<Sender, "id"> & Partial<Pick<Sender, "username" | "tag">>;

/**
 * Adds a person's id, unless an entry already means that person alone.
 *
 * @param written The entries of the config file.
 * @param known The same list with resolved names.
 * @returns `undefined` if they need no change; {@link withoutPerson} as well.
 */
export function withPerson(
  written: readonly string[],
  person: ListedPerson,
  known: readonly ListedEntry[],
): readonly string[] | undefined {
  return written.some((text) => isEntryOf(text, person, known))
    ? undefined
    : [...written, person.id];
}

/** Removes all entries that mean a person alone. Roles and `"*"` stay. */
export function withoutPerson(
  written: readonly string[],
  person: ListedPerson,
  known: readonly ListedEntry[],
): readonly string[] | undefined {
  const kept = written.filter((text) => !isEntryOf(text, person, known));
  return kept.length === written.length ? undefined : kept;
}

export function admitsEveryone(written: readonly string[]): boolean {
  return written.some((text) => parseAllowEntry(text).kind === "anyone");
}

/** A name that was resolved means that id, even if another person has the name now (P4). */
function isEntryOf(text: string, person: ListedPerson, known: readonly ListedEntry[]): boolean {
  const entry = parseAllowEntry(text);
  if (entry.kind === "user") return entry.id === person.id;
  if (entry.kind !== "name") return false;
  const resolved: UserId | undefined = known.find((one) => one.text === entry.name)?.userId;
  if (resolved !== undefined) return resolved === person.id;
  const { username, tag } = person;
  if (username === undefined) return false;
  const sender = { id: person.id, username, roles: [], tag };
  return prepareAllowlist([entry])(sender) !== undefined;
}
