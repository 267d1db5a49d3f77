/**
 * Matches senders against an allow list of the config.
 *
 * Entries are parsed once, when the config is loaded. Matching a message then takes a few
 * comparisons. Barnacle reports an entry that can match no sender at start-up, so that it does not
 * lock people out silently.
 *
 * For `/allowlist` it finds the list that decides in a place, and edits its entries. It never makes
 * a list: a first entry would keep out all others.
 */

import { pathTo } from "../../core/config_file.ts";
import { parseSnowflake, type RoleId, type UserId } from "../../core/discord/ids.ts";
import type { Place, Sender } from "../../core/inbound/inbound.ts";
import { slug } from "../../core/names.ts";
import type { ListChoice, ListedEntry, NoList, PeopleList } from "../../core/names.ts";
import { GUILDS, rulesFor } from "./rules.ts";
import type { AccessPolicy } from "./rules.ts";

/** One entry of `dm.allowFrom` or `guilds.*.users`, after parsing. */
export type AllowEntry =
  | { readonly kind: "anyone" }
  /** `typed`: the name in the config, if it was resolved to this id (P12). */
  | { readonly kind: "user"; readonly id: UserId; readonly typed?: string }
  | { readonly kind: "pluralkit"; readonly memberId: string }
  | { readonly kind: "role"; readonly id: RoleId }
  | { readonly kind: "role_name"; readonly name: string }
  | { readonly kind: "name"; readonly name: string };

export interface AllowEntryProblem {
  readonly kind: "problem";
  readonly why: string;
}

/** Texts in the form of a user's id; `parseSnowflake` decides whether they contain one. */
const USER_REFERENCE = /^(?:<@!?(.*)>|(?:user|discord):(.*)|(\d+))$/i;

/** The other prefixes of entries, in any case. */
const PREFIXED = /^(pk|role|channel):(.*)$/i;

/** An id of another service, or with a prefix that Barnacle does not know: `"telegram:5"`. */
const UNKNOWN_PREFIX = /^[a-z]+:\d+$/i;

/** Mentions of no user: `"<#123>"` is a channel. */
const OTHER_MENTION = /^<[#:/].*>$/;

/** Discord lets no account have these names. */
const EVERYONE = /^@?(?:everyone|here)$/i;

/**
 * Reads one entry of the config.
 *
 * @param text `"*"`, `"<id>"`, `"<@id>"`, `"<@!id>"`, `"user:<id>"`, `"discord:<id>"`, `"pk:<member
 * id>"`, `"role:<id or name>"`, a username, a tag such as `"ada#1234"`, or the name of a PluralKit
 * member. A name may have an `@` before it, and prefixes may be in any case.
 */
export function parseAllowEntry(text: string): AllowEntry | AllowEntryProblem {
  const entry = text.trim();
  if (entry === "") return problem("An entry is blank");
  if (entry === "*") return { kind: "anyone" };

  const reference = USER_REFERENCE.exec(entry);
  if (reference) {
    const [, mentioned, prefixed, bare] = reference;
    const id = parseSnowflake<"user">(mentioned ?? prefixed ?? bare ?? "");
    return id ? { kind: "user", id } : problem(`"${entry}" contains no Discord user id`);
  }

  const [, written, rest] = PREFIXED.exec(entry) ?? [];
  if (written === undefined || rest === undefined) {
    if (EVERYONE.test(entry)) return problem(`"${entry}" is no user: write "*" for everyone`);
    if (OTHER_MENTION.test(entry)) return problem(`"${entry}" mentions no user`);
    if (entry.startsWith("#")) return problem(`"${entry}" is the name of a channel, not of a user`);
    if (UNKNOWN_PREFIX.test(entry)) return problem(`"${entry}" has a prefix that no user has`);
    const name = entry.replace(/^@/, ""); // as people write names
    if (name === "") return problem(`"${entry}" contains no name`);
    return /^\d+$/.test(name)
      ? problem(`"${entry}" may be an id or a name: write "${name}" or "<@${name}>" for the id`)
      : { kind: "name", name };
  }
  const prefix = written.toLowerCase();
  if (prefix === "channel") return problem(`"${entry}" is not a person: move it to groupChannels`);
  if (rest === "") return problem(`"${entry}" has nothing after the colon`);
  if (prefix === "pk") return { kind: "pluralkit", memberId: rest };

  const id = parseSnowflake<"role">(rest);
  return id ? { kind: "role", id } : { kind: "role_name", name: rest };
}

/**
 * Whether an account at Discord can have a name or tag. The name of a PluralKit member is free.
 *
 * @see {@link https://docs.discord.com/developers/resources/user#usernames-and-nicknames}
 */
export function mayNameAccount(name: string): boolean {
  const plain = name.replace(/#\d{1,4}$/, "");
  const { length } = Array.from(plain);
  return length >= 2 && length <= 32 && !/[@#:\p{Cc}]/u.test(plain);
}

/**
 * Prepares a list for many senders. The result finds the most specific entry for a sender; an empty
 * list has none.
 *
 * The time of a look-up does not depend on the list's length, since a list may contain a whole
 * community.
 */
export function prepareAllowlist(
  entries: readonly AllowEntry[],
): (sender: Sender) => AllowEntry | undefined {
  const users = new Map<string, AllowEntry>();
  const members = new Map<string, AllowEntry>();
  const names = new Map<string, AllowEntry>();
  const roles = new Map<string, AllowEntry>();
  const roleNames = new Map<string, AllowEntry>();
  let anyone: AllowEntry | undefined;
  for (const entry of entries) {
    switch (entry.kind) {
      case "anyone":
        anyone = entry;
        break;
      case "user":
        users.set(entry.id, entry);
        break;
      case "pluralkit":
        members.set(entry.memberId, entry);
        break;
      case "role":
        roles.set(entry.id, entry);
        break;
      case "role_name":
        roleNames.set(entry.name, entry);
        break;
      case "name":
        // Weaker than an id: a person who takes an abandoned name gets its access.
        names.set(foldCase(entry.name), entry);
        break;
    }
  }

  function byName(sender: Sender): AllowEntry | undefined {
    if (names.size === 0) return undefined;
    for (const name of namesOf(sender)) {
      const entry = names.get(foldCase(name));
      if (entry) return entry;
    }
    return undefined;
  }

  function byRole(sender: Sender): AllowEntry | undefined {
    if (roles.size === 0 && roleNames.size === 0) return undefined;
    for (const { id, name } of sender.roles) {
      const entry = roles.get(id) ?? (name === undefined ? undefined : roleNames.get(name));
      if (entry) return entry;
    }
    return undefined;
  }

  return (sender) =>
    users.get(sender.id) ??
      (sender.pluralkit && members.get(sender.pluralkit.memberId)) ??
      byName(sender) ??
      byRole(sender) ??
      anyone;
}

/** An entry in its spelling for people: `"role:123"`. */
export function entryText(entry: AllowEntry): string {
  switch (entry.kind) {
    case "anyone":
      return "*";
    case "user":
      return entry.typed === undefined ? entry.id : `${entry.typed} = ${entry.id}`;
    case "pluralkit":
      return `pk:${entry.memberId}`;
    case "role":
      return `role:${entry.id}`;
    case "role_name":
      return `role:${entry.name}`;
    case "name":
      return entry.name;
  }
}

/**
 * The names that belong to a sender alone: of an account, or of the PluralKit member who writes in
 * its place. For a bot only the tag counts, because many bots may share its name. A webhook has
 * none, because its maker chose the name.
 */
function namesOf({ username, tag, automaton, pluralkit }: Sender): readonly string[] {
  // An empty slug is safe here: an entry is never empty, so none equals it.
  if (pluralkit) {
    const { name, displayName = name } = pluralkit;
    return [name, slug(name), displayName, slug(displayName)];
  }
  if (automaton === "webhook") return [];
  if (automaton === "bot") return tag === undefined ? [] : [tag];
  return tag === undefined ? [username] : [username, tag];
}

/**
 * Removes differences of case. A character that only looks like a capital, such as the Kelvin sign,
 * stays: it must not pass for the letter (SEC-R12).
 */
function foldCase(name: string): string {
  if (/^[^A-Z\x80-\uffff]*$/.test(name)) return name; // nearly every username of today
  return name.replace(/\p{Lu}/gu, (capital) => {
    const small = capital.toLowerCase();
    return small.toUpperCase() === capital ? small : capital;
  });
}

function problem(why: string): AllowEntryProblem {
  return { kind: "problem", why };
}

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

export interface ListedPerson {
  readonly id: UserId;
  /** Absent if only the id is known; {@link Sender.tag} as well. */
  readonly username?: Sender["username"];
  /** As {@link Sender.tag}. */
  readonly tag?: Sender["tag"];
}

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
