/**
 * Imports an `openclaw.json` as our config (C11).
 *
 * Each key that stays behind gets a note with its line and the reason. Access rules are imported
 * with the same meaning, or a narrower one. If one cannot be read, nothing is imported: without the
 * list, the bot would answer everyone.
 */

import { loadConfig } from "../../config/load.ts";
import { configSchema } from "../../config/schema/root.ts";
import { isSecret, schemaAt } from "../../config/schema/parts/shape.ts";
import { parsePath } from "../../config/text/path.ts";
import {
  entriesAt,
  isList,
  isRecord,
  type Segment,
  textOf,
  valueAt,
} from "../../config/text/tree.ts";
import { lineAt, readOpenClaw, setLine } from "./read.ts";
import {
  applyRules,
  type Era,
  fieldAt,
  type ImportedPlace,
  type ImportNote,
  type ImportTarget,
  noteChanged,
  setWithin,
} from "./rules.ts";
import { NOT_OURS, SECTIONS } from "./sections.ts";

type Source = Readonly<Record<string, unknown>>;

/** Sections and account keys that may let users in if they are left out. */
const ACCESS = new Set(["commands", "exec", "tools", "session"]);
const ACCOUNT_ACCESS = new Set([
  ...["dm", "guilds", "groupPolicy", "allowBots", "pluralkit", "enabled"],
  ...["actions", "execApprovals", "configWrites"],
]);

/** Maximum number of keys to repair, one after the other. */
const MAX_REPAIRS = 1_000;

/** Imports the text of a file. Never rejects. */
export async function importConfig(text: string): Promise<
  | {
    readonly kind: "imported";
    readonly text: string;
    /** Keys that were left behind or changed, in the order of the file. */
    readonly notes: readonly ImportNote[];
    /** Whether the file configures Discord at all. */
    readonly hasDiscord: boolean;
  }
  | { readonly kind: "refused"; readonly notes: readonly ImportNote[] }
> {
  const source = readOpenClaw(text);
  if (source.kind === "fault") {
    const { line, why } = source;
    return { kind: "refused", notes: [{ kind: "invalid", path: "", line, why }] };
  }
  const notes: ImportNote[] = [...source.remarks];
  const era = eraOf(source.value);
  const place: ImportedPlace = {
    path: "",
    line: 0,
    era,
    takesNames: era === "seed",
    hasAccounts: entriesAt(source.value, ["channels", "discord", "accounts"])
      .some(([key]) => key !== "default"),
    note: (kind, path, line, why) => void notes.push({ kind, path, line, why }),
  };
  const target = applyRules<ImportTarget>(source.value, place, SECTIONS, {}, NOT_OURS);
  keepGuildsClosed(target, source.value, place);
  noteMemories(target, place);
  const isRefused = (): boolean => notes.some(({ kind }) => kind === "invalid");
  if (!isRefused()) await repair(target, place);
  const hasDiscord = valueAt(source.value, ["channels", "discord"]) !== undefined;
  const sorted = notes.toSorted((one, other) => one.line - other.line);
  return isRefused()
    ? { kind: "refused", notes: sorted }
    : { kind: "imported", text: printed(target), notes: sorted, hasDiscord };
}

/** Without Discord keys, today's OpenClaw answers in no guild, but Barnacle would in all. */
function keepGuildsClosed(target: ImportTarget, source: Source, place: ImportedPlace): void {
  if (place.era !== "today") return;
  if (valueAt(target, ["channels", "discord"]) === undefined) {
    const why = "The file has no such section, so the bot answers in no guild";
    noteChanged({ ...place, path: "channels.discord" }, why);
    setWithin(target, ["channels", "discord"], {});
  }
  // A bot that was off as a plugin stays off.
  const key = switchedOff(source["plugins"]);
  if (key === undefined) return;
  const why = "This switches Discord off, so channels.discord.enabled is false";
  noteChanged(fieldAt(place, source, "plugins"), why, `.${key}`);
  setWithin(target, ["channels", "discord", "enabled"], false);
}

/** OpenClaw's default is one memory for all direct messages; Barnacle's is one for each user (S1). */
function noteMemories(target: ImportTarget, place: ImportedPlace): void {
  if (valueAt(target, ["session", "dmScope"]) !== undefined) return;
  const why = "The owner's direct messages keep the main session, and others get their own; " +
    'OpenClaw\'s default is "main", one memory for all';
  noteChanged({ ...place, path: "session.dmScope" }, why);
}

/** The key of `plugins` that switches Discord off. */
function switchedOff(plugins: unknown): string | undefined {
  const [allow, deny] = [valueAt(plugins, ["allow"]), valueAt(plugins, ["deny"])];
  if (valueAt(plugins, ["enabled"]) === false) return "enabled";
  if (isList(deny) && deny.includes("discord")) return "deny";
  if (isList(allow) && !allow.includes("discord")) return "allow";
  const own = valueAt(plugins, ["entries", "discord", "enabled"]);
  return own === false ? "entries.discord.enabled" : undefined;
}

/** By the version that wrote the file last; else by keys that only one of the two has. */
function eraOf(root: Source): Era {
  const version = textOf(valueAt(root, ["meta", "lastTouchedVersion"]));
  const [, year, month] = /^(\d{4})\.(\d{1,2})\./.exec(version) ?? [];
  if (year !== undefined && month !== undefined) {
    return Number(year) * 12 + Number(month) > 2026 * 12 + 2 ? "today" : "seed";
  }
  const discord = valueAt(root, ["channels", "discord"]);
  const accounts = valueAt(discord, ["accounts"]);
  const all = [discord, ...(isRecord(accounts) ? Object.values(accounts) : [])];
  const keys = ["dmPolicy", "allowFrom", "dangerouslyAllowNameMatching", "botLoopProtection"];
  const isNew = valueAt(root, ["agents", "entries"]) !== undefined ||
    root["accessGroups"] !== undefined ||
    all.some((one) =>
      keys.some((key) => valueAt(one, [key]) !== undefined) || isRecord(valueAt(one, ["streaming"]))
    );
  return isNew ? "today" : "seed";
}

/** Removes keys that our loader refuses, with the reason; it never removes access rules. */
async function repair(target: ImportTarget, { note }: ImportedPlace): Promise<void> {
  for (let count = 0; count < MAX_REPAIRS; count += 1) {
    const error = await firstError(target);
    if (!error) return;
    // If a key is missing, the object that lacks it goes.
    const path = error.path.slice(0, depthOf(target, error.path));
    const [host, last = ""] = [valueAt(target, path.slice(0, -1)), path.at(-1)];
    const isAccess = decidesAccess(path);
    const line = lineAt(host, last);
    note(isAccess ? "invalid" : "left", error.written, line || 1, error.message);
    if (isAccess) return;
    if (Array.isArray(host)) removeEntry(host, Number(last));
    else Reflect.deleteProperty(Object(host), last);
  }
  note("invalid", "", 1, "The file has too many values that Barnacle cannot import");
}

/** Secrets are where Barnacle runs, and may be missing here. Placeholders stay to be replaced. */
async function firstError(target: ImportTarget): Promise<
  | { readonly path: readonly Segment[]; readonly written: string; readonly message: string }
  | undefined
> {
  const source = { file: "", text: printed(target) };
  const loaded = await loadConfig(source, {
    env: {},
    readFile: () => Promise.resolve(undefined),
    isElsewhere: true,
  });
  for (const { severity, path: written, message } of loaded.problems) {
    const read = parsePath(written);
    const path = read.kind === "path" ? read.path : [];
    const schema = schemaAt(configSchema, path);
    if (severity === "error" && !(schema && isSecret(schema))) return { path, written, message };
  }
  return undefined;
}

/** Length of the existing part of a path. */
function depthOf(target: ImportTarget, path: readonly Segment[]): number {
  let depth = path.length;
  while (depth > 0 && valueAt(target, path.slice(0, depth)) === undefined) depth -= 1;
  return depth;
}

function removeEntry(list: unknown[], index: number): void {
  const lines = list.map((_, at) => lineAt(list, at));
  list.splice(index, 1);
  for (const [at, line] of lines.toSpliced(index, 1).entries()) setLine(list, at, line);
}

function decidesAccess([section, channel, ...rest]: readonly Segment[]): boolean {
  if (section === undefined) return true;
  if (section !== "channels") return ACCESS.has(String(section));
  const [key] = rest[0] === "accounts" ? rest.slice(2) : rest;
  return channel !== "discord" || key === undefined || ACCOUNT_ACCESS.has(String(key));
}

/** The text of a file, with a line break at its end. */
function printed(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
