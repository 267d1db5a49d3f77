/**
 * `channels.discord` of OpenClaw as ours: its accounts, and what follows from several keys together.
 *
 * @module
 */

import { ACCOUNT } from "./account.ts";
import { spread } from "./accounts.ts";
import { type Convert, dropped, type Place, refuse, type Table, walk } from "./rules.ts";
import {
  containerOf,
  entryAt,
  entryOf,
  partAt,
  partOf,
  plainOf,
  put,
  without,
  withValue,
} from "./tree.ts";
import type { Container, Entry, Part } from "../text/json5.ts";

/** `channels.discord`, with its accounts. */
export const discord: Convert = (part, found) => {
  if (part.kind !== "object") return refuse(found, "This is no object");
  const source = spread(newerFirst(part, found), found);
  const root = account(source, found, undefined, { ...ACCOUNT, accounts: dropped });
  const accounts = entryAt(source, "accounts");
  if (!accounts) return root;
  if (accounts.value.kind !== "object") {
    found.note("invalid", `${found.path}.accounts`, accounts.line, "This is no object");
    return root;
  }
  const isOff = isValue(source, "enabled", false);
  const made = accounts.value.entries.flatMap((entry): readonly Entry[] => {
    const at = { ...found, path: `${found.path}.accounts.${entry.key}`, entry };
    if (entry.value.kind !== "object") {
      at.note("invalid", at.path, entry.line, "This is no object");
      return [];
    }
    const own = newerFirst(entry.value, at);
    const isAlone = isOff && entryAt(own, "enabled") !== undefined;
    if (isAlone) at.note("changed", `${at.path}.enabled`, entry.line, "The bot as a whole is off");
    const kept = isAlone ? without(own, ["enabled"]) : own;
    if (kept.kind !== "object") return [];
    if (!entryAt(kept, "token") && entry.key !== "default") {
      at.note("changed", at.path, entry.line, "An account has no token here but its own: add it");
    }
    return [withValue(entry, account(kept, at, root, ACCOUNT))];
  });
  return put(root, ["accounts"], withValue(accounts, { ...accounts.value, entries: made }));
};

/** One account's keys, and what follows from several of them together. */
function account(
  source: Container,
  place: Place,
  root: Container | undefined,
  table: Table,
): Container {
  const own = entryAt(source, "dangerouslyAllowNameMatching");
  const takesNames = own ? isValue(source, "dangerouslyAllowNameMatching", true) : place.takesNames;
  return closedGuilds(
    source,
    place,
    root,
    closedDms(place, root, walk(source, { ...place, takesNames }, table)),
  );
}

/** In OpenClaw of today, `open` without `"*"` lets in those who are listed; the seed refuses it. */
function closedDms(place: Place, root: Container | undefined, made: Container): Container {
  const policy = entryAt(partAt(made, ["dm"]), "policy");
  const allowFrom = partAt(made, ["dm", "allowFrom"]) ?? partAt(root, ["dm", "allowFrom"]);
  const listed = allowFrom ? plainOf(allowFrom) : [];
  const isOpen = Array.isArray(listed) && listed.includes("*");
  if (!policy || plainOf(policy.value) !== "open" || isOpen) return made;
  const why = '"open" needs "*" in allowFrom; without it only those listed there may write';
  place.note("changed", `${place.path}.dm.policy`, policy.line, why);
  return put(made, ["dm", "policy"], withValue(policy, partOf("allowlist")));
}

/** A list of guilds of which nothing is left was still a list: it must not become none. */
function closedGuilds(
  source: Container,
  place: Place,
  root: Container | undefined,
  made: Container,
): Container {
  const before = partAt(source, ["guilds"]);
  const after = partAt(made, ["guilds"]);
  const isEmptied = before?.kind === "object" && before.entries.length > 0 &&
    after?.kind === "object" && after.entries.length === 0;
  const policy = partAt(made, ["groupPolicy"]) ?? partAt(root, ["groupPolicy"]);
  if (!isEmptied || !policy || plainOf(policy) !== "open") return made;
  const line = entryAt(source, "guilds")?.line ?? 0;
  const why = "No guild of the list is left: no guild is allowed, until one is listed";
  place.note("changed", `${place.path}.groupPolicy`, line, why);
  return put(made, ["groupPolicy"], entryOf("groupPolicy", "allowlist", line));
}

/** Where both spellings are written, OpenClaw of today reads its own. */
function newerFirst(part: Container, place: Place): Container {
  let kept: Part = part;
  for (const [newer, older] of [["dmPolicy", "policy"], ["allowFrom", "allowFrom"]] as const) {
    const old = entryAt(partAt(part, ["dm"]), older);
    if (!entryAt(part, newer) || !old) continue;
    place.note("left", `${place.path}.dm.${older}`, old.line, `${newer} goes before it`);
    kept = without(kept, ["dm", older]);
  }
  return kept.kind === "object" ? kept : containerOf("object");
}

function isValue(part: Part, key: string, value: boolean): boolean {
  const written = entryAt(part, key)?.value;
  return written?.kind === "scalar" && written.value === value;
}
