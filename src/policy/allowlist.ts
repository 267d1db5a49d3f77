/**
 * Whom an allowlist in the config lets through.
 *
 * Entries are parsed once, when the config is loaded. Matching a message is
 * then a few comparisons, and an entry that can match nobody is reported at
 * startup instead of silently locking someone out.
 *
 * @module
 */

import { parseSnowflake, type RoleId, type UserId } from "../core/discord/ids.ts";
import type { Sender } from "../core/inbound/inbound.ts";
import { slug } from "../core/slug.ts";

/** One entry of `dm.allowFrom` or `guilds.*.users`, after parsing. */
export type AllowEntry =
  | { readonly kind: "anyone" }
  /** `typed` where it was a name that was found to be this id (P12). */
  | { readonly kind: "user"; readonly id: UserId; readonly typed?: string }
  | { readonly kind: "pluralkit"; readonly memberId: string }
  | { readonly kind: "role"; readonly id: RoleId }
  | { readonly kind: "role_name"; readonly name: string }
  | { readonly kind: "name"; readonly name: string };

/** Why an entry can match nobody, in words for the operator. */
export interface AllowEntryProblem {
  readonly kind: "problem";
  readonly why: string;
}

/** All that claims to be a user's id; whether it is one is `parseSnowflake`'s to say. */
const USER_REFERENCE = /^(?:<@!?(.*)>|(?:user|discord):(.*)|(\d+))$/;

/**
 * Reads one entry as an operator wrote it.
 *
 * @param text `"*"`, `"<id>"`, `"<@id>"`, `"<@!id>"`, `"user:<id>"`,
 * `"discord:<id>"`, `"pk:<member id>"`, `"role:<id or name>"`, a username, a tag
 * such as `"ada#1234"`, or the name of a PluralKit member, each with or without an `@` before it.
 */
export function parseAllowEntry(text: string): AllowEntry | AllowEntryProblem {
  const entry = text.trim();
  if (entry === "") return problem("An entry is blank");
  if (entry === "*") return { kind: "anyone" };

  const reference = USER_REFERENCE.exec(entry);
  if (reference) {
    const [, mentioned, prefixed, bare] = reference;
    const id = parseSnowflake<"user">(mentioned ?? prefixed ?? bare ?? "");
    return id ? { kind: "user", id } : problem(`"${entry}" holds no Discord user id`);
  }

  const [, prefix, rest] = /^(pk|role|channel):(.*)$/.exec(entry) ?? [];
  if (prefix === undefined || rest === undefined) {
    const name = entry.replace(/^@/, ""); // as people write names
    if (name === "") return problem(`"${entry}" names nobody`);
    return /^\d+$/.test(name)
      ? problem(`"${entry}" may be an id or a name: write "${name}" or "<@${name}>" for the id`)
      : { kind: "name", name };
  }
  if (prefix === "channel") return problem(`"${entry}" is no person: it belongs in groupChannels`);
  if (rest === "") return problem(`"${entry}" names nobody after the colon`);
  if (prefix === "pk") return { kind: "pluralkit", memberId: rest };

  const id = parseSnowflake<"role">(rest);
  return id ? { kind: "role", id } : { kind: "role_name", name: rest };
}

/**
 * Which of the entries names a sender, the most exact first; an empty list lets nobody in. Asked
 * often, its length does not matter, and a list may hold a whole community.
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
        // Weaker than an id: whoever takes a name that was given up is let in.
        names.set(fold(entry.name), entry);
        break;
    }
  }

  function byName(sender: Sender): AllowEntry | undefined {
    if (names.size === 0) return undefined;
    for (const name of namesOf(sender)) {
      const entry = names.get(fold(name));
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

/** An entry as it could have been written, for people. */
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
 * The names that are a sender's own: of an account, or of the PluralKit member who writes in its
 * place. Of a bot only the tag is, for many may have its name; of a webhook none, for whoever made
 * it chose it.
 */
function namesOf({ username, tag, automaton, pluralkit }: Sender): readonly string[] {
  // An empty slug is safe here: an entry is never empty, so none equals it.
  if (pluralkit) return [pluralkit.name, slug(pluralkit.name)];
  if (automaton === "webhook") return [];
  if (automaton === "bot") return tag === undefined ? [] : [tag];
  return tag === undefined ? [username] : [username, tag];
}

/**
 * Without difference of case. A sign that only looks like a capital, such as
 * Kelvin's, keeps its own form: it must not pass for the letter (SEC-R12).
 */
function fold(name: string): string {
  if (/^[^A-Z\x80-\uffff]*$/.test(name)) return name; // nearly every username of today
  return name.replace(/\p{Lu}/gu, (capital) => {
    const small = capital.toLowerCase();
    return small.toUpperCase() === capital ? small : capital;
  });
}

function problem(why: string): AllowEntryProblem {
  return { kind: "problem", why };
}
