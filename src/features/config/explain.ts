/**
 * `barnacle config explain`: finds a key by any part of its name, and tells what it does, where the
 * config sets it, and which value applies.
 */

import type { LoadedConfig } from "../../config/load.ts";
import { effectiveValues } from "../../config/schema/accounts.ts";
import {
  allKeys,
  findKeys,
  type FoundKey,
  type KeyFacts,
  keyFacts,
} from "../../config/keys/find_keys.ts";
import { jsonOnOneLine, type ReferenceKey } from "../../config/reference.ts";
import { isList, positionsIn, type Segment, valueAt } from "../../config/text/edit.ts";
import { bounded, isRecord, pathText, quoted } from "../../lib/text/quoted.ts";
import { inColumns, printLines } from "../../cli/shared/columns.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { problemsText, readConfigLeniently } from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { ConfigFlags } from "../../cli/shared/command.ts";

/** Keys that a list names at most. */
const MAX_LISTED = 25;

/** Places of one key that are shown at most. */
const MAX_PLACES = 20;

/** UTF-16 units of a shown value. */
const VALUE_CHARS = 200;

interface KeyPlace {
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
  /** Whether the file has it; else the value is its default, or inherited. */
  readonly isWritten: boolean;
  /** The value that applies; of a secret, its source. Absent: there is none. */
  readonly value?: unknown;
}

/** Explains the key that a text names, or lists the keys that it may mean. */
export async function explain(
  { config: flag, json }: ConfigFlags,
  typed: string,
  io: Io,
): Promise<ExitCode> {
  const { distance } = await import("fastest-levenshtein");
  const { found, instead } = findKeys(typed, distance);
  const [first, ...others] = found;
  if (!first) {
    if (json) io.out(JSON.stringify({ query: typed, found: [] }));
    else {
      io.problem(
        `no key of the config is like ${
          quoted(typed)
        }; \`barnacle config explain\` lists the sections`,
      );
    }
    return EXIT.failed;
  }
  const isOneOf = first.by !== "path" && others.some(({ by }) => by === first.by);
  if (instead !== undefined) {
    const are = isOneOf ? "these are" : "this one is";
    io.err(`No key is like ${quoted(typed)}; ${are} like ${instead}:`);
  }
  if (isOneOf || json && instead !== undefined) return list(typed, found, json, io);
  const loaded = await readConfigLeniently(flag, io.env);
  if (loaded.kind === "refused") io.err(problemsText(loaded.problems, io));
  const places = loaded.kind === "refused" ? [] : placesOf(first.key, typed, loaded);
  const facts = keyFacts(first.key);
  if (json) {
    io.out(JSON.stringify({ ...facts, file: fileOf(loaded), places }));
    return EXIT.done;
  }
  const lines = keyLines(first.key, facts, places, fileOf(loaded), io);
  printLines(lines, io);
  return EXIT.done;
}

/** Lists the top of the config, for a person who does not know a word to search for. */
export function listSections({ json }: ConfigFlags, io: Io): ExitCode {
  const sections = allKeys().filter(({ path }) => !path.includes("."));
  if (json) {
    io.out(JSON.stringify({ found: sections.map(keyFacts) }));
    return EXIT.done;
  }
  const rows = sections.map((key) => [key.path, firstSentence(key)]);
  printLines(inColumns(rows), io);
  io.err("`barnacle config explain <path, or words>` explains one, or finds keys below them.");
  return EXIT.done;
}

function list(typed: string, found: readonly FoundKey[], json: boolean, io: Io): ExitCode {
  const best = found.filter(({ by }) => by === found[0]?.by);
  const listed = best.slice(0, MAX_LISTED);
  if (json) {
    io.out(JSON.stringify({ query: typed, found: listed.map(({ key }) => keyFacts(key)) }));
    return EXIT.done;
  }
  const rows = listed.map(({ key }) => [key.path, firstSentence(key)]);
  printLines(inColumns(rows), io);
  io.err(
    `${
      best.length > MAX_LISTED ? `The first ${MAX_LISTED} of ${best.length}` : best.length
    } keys; ` +
      "`barnacle config explain <path>` explains one.",
  );
  return EXIT.done;
}

function firstSentence({ doc: { description } }: ReferenceKey): string {
  return /^.*?[.](?= |$)/.exec(description)?.[0] ?? description;
}

function keyLines(
  { isSection, keys }: ReferenceKey,
  facts: KeyFacts,
  places: readonly KeyPlace[],
  file: string | undefined,
  { style }: Io,
): readonly string[] {
  const { path, description, values, unit, example, change } = facts;
  const rows = [
    ["  values", values],
    ...(unit === undefined ? [] : [["  unit", unit]]),
    ...(isSection ? [] : [["  default", facts.default]]), // each key below it has its own
    ...(example === undefined ? [] : [["  example", example]]),
    ["  a change", change],
    ...places.map((place) => ["  in your config", placeText(place, file)]),
  ];
  return [
    style.bold(path),
    `  ${description}`,
    "",
    ...inColumns(rows),
    ...(keys.length === 0 ? [] : [
      "",
      style.bold("Keys"),
      ...inColumns(keys.map((inner) => [`  ${inner.path}`, firstSentence(inner)])),
    ]),
  ];
}

function placeText({ path, line, isWritten, value }: KeyPlace, file: string | undefined): string {
  const shown = value === undefined ? "not set" : bounded(jsonOnOneLine(value), VALUE_CHARS);
  const where = isWritten && file !== undefined && line !== undefined
    ? `${file}:${line}`
    : isWritten
    ? "set"
    : value === undefined
    ? ""
    : "not set: the default, or inherited";
  return `${path}: ${shown}${where === "" ? "" : ` (${where})`}`;
}

function fileOf(loaded: Awaited<ReturnType<typeof readConfigLeniently>>): string | undefined {
  return loaded.kind === "refused" ? undefined : loaded.config.file;
}

/** The key in the config: of each server, channel, agent and account that has it. */
function placesOf(
  { path }: ReferenceKey,
  typed: string,
  { written, text }: LoadedConfig,
): readonly KeyPlace[] {
  // As JSON, a secret is its source, without its value.
  const values: unknown = JSON.parse(JSON.stringify(effectiveValues(written)));
  const positionOf = text === undefined ? () => undefined : positionsIn(text);
  const pattern = path.replaceAll("[]", ".[]").split(".");
  const [channels, discord, ...rest] = pattern;
  const isOfAccount = channels === "channels" && discord === "discord" && rest.length > 0;
  const patterns = isOfAccount
    ? [pattern, ["channels", "discord", "accounts", "<account>", ...rest]]
    : [pattern];
  const all = patterns.flatMap((one) => pathsIn(values, one)).map((segments): KeyPlace => {
    const isWritten = valueAt(written, segments) !== undefined;
    return {
      path: pathText(segments),
      ...(isWritten ? positionOf(pathText(segments)) : undefined),
      isWritten,
      value: valueAt(values, segments),
    };
  });
  const named = path.includes("<") || path.includes("[]")
    ? all.filter((place) => place.path.toLowerCase() === typed.trim().toLowerCase())
    : [];
  return (named.length > 0 ? named : all).slice(0, MAX_PLACES);
}

/** The paths of a pattern that exist in values; the last part need not. */
function pathsIn(values: unknown, pattern: readonly string[]): readonly (readonly Segment[])[] {
  let found: readonly (readonly Segment[])[] = [[]];
  for (const part of pattern) {
    found = found.flatMap((path): readonly (readonly Segment[])[] => {
      const value = valueAt(values, path);
      if (part === "[]") return isList(value) ? value.map((_, index) => [...path, index]) : [];
      if (!part.startsWith("<")) return isRecord(value) ? [[...path, part]] : [];
      return isRecord(value) ? Object.keys(value).map((name) => [...path, name]) : [];
    });
  }
  return found;
}
