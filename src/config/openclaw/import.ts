/**
 * An `openclaw.json` as our config (C11).
 *
 * What is left behind is said, each key with its line and why. What decides who may talk to the bot
 * is taken over as it is, or narrower; where it cannot be read nothing is imported, since a list
 * that is left out is one that keeps nobody out.
 *
 * @module
 */

import { pathText } from "../../core/config_path.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { printed } from "../text/format.ts";
import { NOT_OURS, SECTIONS } from "./sections.ts";
import { withPlugins } from "./plugins.ts";
import { type Era, type ImportNote, type Place, walk } from "./rules.ts";
import { entryAt, entryOf, nearest, partAt, put, remarked, without, withValue } from "./tree.ts";
import { type Container, type Entry, type Part, readJson5 } from "../text/json5.ts";
import { loadConfig } from "../load.ts";
import { parsePath } from "../text/path.ts";
import { configSchema } from "../schema/root.ts";
import { isSecret, schemaAt } from "../schema/shape.ts";
import type { Segment } from "../text/tree.ts";

/** A file that was imported, or why it was not. */
export type Imported =
  | {
    readonly kind: "imported";
    /** Ours, whole. */
    readonly text: string;
    /** What was left or changed, in the order of the file. */
    readonly notes: readonly ImportNote[];
  }
  | { readonly kind: "refused"; readonly notes: readonly ImportNote[] };

/** Sections, and keys of an account, of which one that is left out may let somebody in. */
const ACCESS = new Set(["commands", "exec", "tools", "session"]);
const ACCOUNT_ACCESS = new Set([
  ...["dm", "guilds", "groupPolicy", "allowBots", "pluralkit", "enabled"],
  ...["actions", "execApprovals", "configWrites"],
]);

/** Keys that are put right one after the other, at most. */
const MAX_REPAIRS = 1_000;

/** Imports the text of a file. Never rejects, whatever it holds. */
export async function importConfig(text: string): Promise<Imported> {
  const read = readJson5(text);
  if (read.kind === "fault") {
    return refused({ kind: "invalid", path: "", line: read.line, why: read.message });
  }
  const notes: ImportNote[] = [];
  const note: Place["note"] = (kind, path, line, why) => {
    notes.push({ kind, path, line, why });
  };
  const source = withoutTwins(read.root, "", note);
  if (source.value.kind !== "object") {
    return refused({ kind: "invalid", path: "", line: 1, why: "This is no object in braces" });
  }
  includes(source, "", note);
  const era = eraOf(source.value);
  const place: Place = { path: "", era, takesNames: era === "seed", note };
  const made = walk(source.value, place, SECTIONS, undefined, NOT_OURS);
  if (notes.some(({ kind }) => kind === "invalid")) {
    return { kind: "refused", notes: sorted(notes) };
  }

  const repaired = await repairedOf(
    { ...source, value: keptShut(made, source.value, place) },
    note,
  );
  if (notes.some(({ kind }) => kind === "invalid")) {
    return { kind: "refused", notes: sorted(notes) };
  }
  return {
    kind: "imported",
    text: printed({ kind: "document", root: repaired }),
    notes: sorted(notes),
  };
}

function refused(...notes: readonly ImportNote[]): Imported {
  return { kind: "refused", notes };
}

function sorted(notes: readonly ImportNote[]): readonly ImportNote[] {
  return notes.toSorted((one, other) => one.line - other.line);
}

/** Today's OpenClaw answers in no guild where nothing is said of Discord; Barnacle would in all. */
function keptShut(made: Part, source: Part, place: Place): Part {
  const { era, note } = place;
  if (era !== "today" || made.kind !== "object") return made;
  if (partAt(made, ["channels", "discord"])) return withPlugins(made, source, place);
  const why = "There is no such section, so no guild is answered; without it every one would be";
  note("changed", "channels.discord", 0, why);
  return withPlugins(put(made, ["channels", "discord"], entryOf("discord", {})), source, place);
}

/** JSON5 reads the last of two keys with one name; the first stays to be seen, as a comment. */
function withoutTwins(entry: Entry, path: string, note: Place["note"]): Entry {
  const { value } = entry;
  if (value.kind === "scalar") return entry;
  const byKey = Map.groupBy(value.entries, ({ key }) => key);
  const kept = value.entries.flatMap((one, index): readonly Entry[] => {
    const here = pathOf(path, one, index);
    const same = one.key === undefined ? [one] : byKey.get(one.key) ?? [one];
    if (same.at(-1) !== one) return [];
    const duplicates = same.slice(0, -1);
    const why = `${
      quoted(one.key ?? "")
    } is written again in line ${one.line}, and the last counts`;
    for (const { line } of duplicates) note("left", here, line, `${why}; it is a comment now`);
    const words = duplicates.flatMap(({ source }) => [
      "Written twice; OpenClaw reads the one below:",
      ...source.split(/\r\n?|\n/),
    ]);
    return [withoutTwins(remarked(one, words), here, note)];
  });
  return withValue(entry, { ...value, entries: kept, endsInComma: false });
}

/** What another file says is not known here, and may be what keeps people out. */
function includes(entry: Entry, path: string, note: Place["note"]): void {
  if (entry.value.kind === "scalar") return;
  for (const [index, one] of entry.value.entries.entries()) {
    const here = pathOf(path, one, index);
    if (one.key === "$include") {
      note("invalid", here, one.line, "Put what the other file says into this one, and try again");
    } else includes(one, here, note);
  }
}

function pathOf(path: string, { key }: Entry, index: number): string {
  const last = pathText([key ?? index]);
  return path === "" || key === undefined ? `${path}${last}` : `${path}.${last}`;
}

/** By the version that wrote it last; else by words that only one of the two has. */
function eraOf(root: Container): Era {
  const version = partAt(root, ["meta", "lastTouchedVersion"]);
  const written = version?.kind === "scalar" ? String(version.value) : "";
  const [, year, month] = /^(\d{4})\.(\d{1,2})\./.exec(written) ?? [];
  if (year !== undefined && month !== undefined) {
    return Number(year) * 12 + Number(month) > 2026 * 12 + 2 ? "today" : "seed";
  }
  const discord = partAt(root, ["channels", "discord"]);
  const accounts = partAt(discord, ["accounts"]);
  const all = [
    discord,
    ...(accounts?.kind === "object" ? accounts.entries : []).map(({ value }) => value),
  ];
  const isNew = entryAt(partAt(root, ["agents"]), "entries") || entryAt(root, "accessGroups") ||
    all.some((one) => hasToday(one));
  return isNew ? "today" : "seed";
}

function hasToday(account: Part | undefined): boolean {
  const keys = ["dmPolicy", "allowFrom", "dangerouslyAllowNameMatching", "botLoopProtection"];
  return keys.some((key) => entryAt(account, key) !== undefined) ||
    partAt(account, ["streaming"])?.kind === "object";
}

/** What our own loader says no to goes, with its reason; of who may talk to the bot nothing goes. */
async function repairedOf(root: Entry, note: Place["note"]): Promise<Entry> {
  let entry = root;
  for (let count = 0; count < MAX_REPAIRS; count += 1) {
    const path = await firstError(entry, note);
    if (path === undefined) return entry;
    entry = withValue(entry, without(entry.value, path));
  }
  note("invalid", "", 1, "There is too much in it that Barnacle cannot take");
  return entry;
}

/** Secrets are where Barnacle runs, and need not be here. */
async function firstError(
  root: Entry,
  note: Place["note"],
): Promise<readonly Segment[] | undefined> {
  const text = printed({ kind: "document", root });
  const loaded = await loadConfig({ file: "", text }, {
    env: {},
    readFile: () => Promise.resolve(undefined),
  });
  for (const { severity, path: written, message } of loaded.problems) {
    const read = parsePath(written);
    const wanted = read.kind === "path" ? read.path : [];
    const schema = schemaAt(configSchema, wanted);
    if (severity !== "error" || (schema && isSecret(schema))) continue;
    // Of what is missing, that which it is missing in goes.
    const { path, entry } = nearest(root.value, wanted);
    const isAccess = decidesAccess(path);
    note(isAccess ? "invalid" : "left", written, entry?.line ?? 1, message);
    return isAccess ? undefined : path;
  }
  return undefined;
}

function decidesAccess([section, channel, ...rest]: readonly Segment[]): boolean {
  if (section === undefined) return true;
  if (section !== "channels") return ACCESS.has(String(section));
  const [key] = rest[0] === "accounts" ? rest.slice(2) : rest;
  return channel !== "discord" || key === undefined || ACCOUNT_ACCESS.has(String(key));
}
