/**
 * `barnacle config import`: converts an `openclaw.json`, and lists the settings that it cannot convert
 * (C11).
 *
 * Each key that stays behind gets a note with its line and the reason. Access rules are imported
 * with the same meaning, or a narrower one. If one cannot be read, nothing is imported: without the
 * list, the bot would answer everyone.
 */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { checkAnywhere, writeText } from "../../cli/config/write.ts";
import type { ConfigFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { problemsText, readConfigText, whyUnreadable } from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { unparsed } from "../../config/parse.ts";
import { entriesAt, isList, textOf, valueAt } from "../../config/text/edit.ts";
import { isRecord, printable } from "../../lib/text/quoted.ts";
import { readOpenClaw } from "./read.ts";
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
import { SECTIONS } from "./sections.ts";

type Source = Readonly<Record<string, unknown>>;

/** Imports the text of a file. Never rejects. */
export function importConfig(text: string):
  | {
    readonly kind: "imported";
    /** It may have values that Barnacle refuses. */
    readonly text: string;
    /** Keys that were left behind or changed, in the order of the file. */
    readonly notes: readonly ImportNote[];
    /** Whether the file configures Discord at all. */
    readonly hasDiscord: boolean;
  }
  | {
    readonly kind: "refused";
    readonly notes: readonly ImportNote[];
    /** Why the text does not parse. */
    readonly fault?: Extract<ReturnType<typeof readOpenClaw>, { readonly kind: "fault" }>;
  } {
  const source = readOpenClaw(text);
  if (source.kind === "fault") return { kind: "refused", notes: [], fault: source };
  const notes: ImportNote[] = [...source.remarks];
  const era = eraOf(source.value);
  const place: ImportedPlace = {
    path: "",
    line: 0,
    era,
    takesNames: era === "seed",
    hasAccounts: entriesAt(source.value, ["channels", "discord", "accounts"])
      .some(([key]) => key !== "default"),
    notes,
  };
  const target = applyRules<ImportTarget>(source.value, place, SECTIONS, {});
  keepGuildsClosed(target, source.value, place);
  noteMemories(target, place);
  const hasDiscord = valueAt(source.value, ["channels", "discord"]) !== undefined;
  const sorted = notes.toSorted((one, other) => one.line - other.line);
  if (notes.some(({ kind }) => kind === "invalid")) return { kind: "refused", notes: sorted };
  const written = `${JSON.stringify(target, undefined, 2)}\n`;
  return { kind: "imported", text: written, notes: sorted, hasDiscord };
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

export interface ImportFlags extends ConfigFlags {
  /** Path of the file to create; stdout if absent. */
  readonly out?: string;
  /** Writes no config, only the list. */
  readonly dryRun: boolean;
}

const KINDS: Readonly<Record<ImportNote["kind"], string>> = {
  left: "not imported",
  changed: "changed",
  invalid: "error",
};

/** Imports a file: the config goes to stdout or `--out`, notes go to stderr. */
export async function importFile(flags: ImportFlags, source: string, io: Io): Promise<ExitCode> {
  const { out, dryRun, json } = flags;
  if (out !== undefined && !dryRun && existsSync(resolve(io.cwd, out))) {
    io.problem(`${printable(out)} already exists: choose another --out, or remove it`);
    return EXIT.failed;
  }
  let written: string;
  try {
    written = readConfigText(resolve(io.cwd, source));
  } catch (cause) {
    io.problem(`cannot read ${printable(source)}: ${whyUnreadable(cause)}`);
    return EXIT.failed;
  }

  const imported = importConfig(written);
  if (imported.kind === "refused" && imported.fault) {
    const { offset, why: message } = imported.fault;
    const fault = unparsed(source, written)(
      { severity: "error", path: [], message, offset, length: 1 },
    );
    if (json) io.out(JSON.stringify({ ok: false, notes: [], problems: [fault] }));
    else io.err(`${problemsText([fault], io)}\n\nNothing imported.`);
    return EXIT.config;
  }
  const { notes } = imported;
  if (imported.kind === "imported" && !imported.hasDiscord) {
    // It is more often the wrong file than one to convert.
    io.problem(
      `${printable(source)} has no channels.discord, so nothing is imported; ` +
        'to import the rest, add "channels": { "discord": {} } to it',
    );
    return EXIT.failed;
  }
  if (!json) { for (const note of notes) io.err(noteLine(source, note)); }
  if (imported.kind === "refused") {
    if (json) io.out(JSON.stringify({ ok: false, notes, problems: [] }));
    else io.err("Nothing imported.");
    return EXIT.config;
  }
  const { text } = imported;
  const file = resolve(io.cwd, out ?? "config.jsonc");
  const { kind, problems } = await checkAnywhere(file, text, io.env); // a valid config may admit too many people
  const ok = kind === "loaded";
  if (!json && ok && notes.length === 0) io.err("All settings imported.");
  if (!json && problems.length > 0) io.err(problemsText(problems, io));
  const writes = out !== undefined && !dryRun;
  const saved = writes ? writeText({ kind: "opened", file }, text) : undefined;
  if (saved?.kind === "unwritten") {
    io.problem(saved.message);
    return saved.code;
  }
  if (json) {
    const where = writes ? { file } : dryRun ? {} : { text };
    io.out(JSON.stringify({ ok, ...where, notes, problems }));
  } else if (writes) {
    io.err(`Wrote ${printable(file)}${ok ? "" : "; the bot starts once its errors are corrected"}`);
  } else if (!dryRun) io.out(text.trimEnd());
  return ok ? EXIT.done : EXIT.config;
}

/** `openclaw.json:12: not imported: channels.telegram: Barnacle is on Discord only`. */
function noteLine(file: string, { kind, path, line, why }: ImportNote): string {
  const at = line > 0 ? `${file}:${line}` : file;
  return printable(`${at}: ${KINDS[kind]}: ${path === "" ? "" : `${path}: `}${why}`);
}
