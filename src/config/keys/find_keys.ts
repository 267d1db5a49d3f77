/**
 * Finds keys of the config by what a person types: a path, its last part, words of the description,
 * a question, or a name with typing mistakes. `barnacle config explain` and the dashboard search with it.
 */

import { pathText } from "../../core/config_file.ts";
import { rightPlaceOf } from "../checks/misplaced.ts";
import { type Distance, nearestOf, nearestPath } from "../checks/nearest.ts";
import { allKeys } from "./key_facts.ts";
import { keysMeant, meantWords, setElsewhere } from "./meanings.ts";
import { keysAskedFor, tellingWords } from "./questions.ts";
import type { ReferenceKey } from "../reference.ts";
import { configSchema } from "../schema/root.ts";
import { parsePath } from "../text/path.ts";

export interface FoundKey {
  readonly key: ReferenceKey;
  /**
   * Why it was found.
   *
   * - `path`: the query is its path, with names in place of placeholders.
   * - `meaning`: people use the word for it.
   * - `name`: the query is its last part, or the end of its path.
   * - `part`: its path contains the query.
   * - `words`: its path or description contains all words of the query.
   * - `question`: it has the most words that the query is about.
   */
  readonly by: "path" | "meaning" | "name" | "part" | "words" | "question";
}

/** Reasons, the best first. */
const ORDER: readonly FoundKey["by"][] = ["path", "meaning", "name", "part", "words", "question"];

const MAX_QUERY = 200;
const MAX_WORDS = 8;

/**
 * Finds keys.
 *
 * @param query As typed: `"historylimit"`, `"guilds.123.users"`, `"rate limit"`, `"who may write"`.
 * @param distance Counts typing mistakes; loaded by the caller, as few callers need it.
 */
export function findKeys(
  query: string,
  distance: Distance,
  keys: readonly ReferenceKey[] = allKeys(),
): {
  /** The best first: by reason, then those with an effect, the usual ones, and short paths. */
  readonly found: readonly FoundKey[];
  /** The words without their typing mistakes, if the written ones match nothing. */
  readonly instead?: string;
  /** Where the thing is set, if no key sets it. */
  readonly elsewhere?: string;
} {
  const typed = query.trim().slice(0, MAX_QUERY);
  if (!/[\p{L}\p{N}]/u.test(typed)) return { found: [] };
  const found = matches(typed, keys);
  const foreign = found.length > 0 ? null : typed.match(/\w*[_A-Z]\w*/g); // no plain words
  const elsewhere = setElsewhere(plainOf(typed)) ??
    foreign?.map(rightPlaceOf).findLast((one) => one !== undefined);
  const words = wordsOf(typed);
  const telling = tellingWords(words);
  const isQuestion = /\s/.test(typed) && telling.length > 0;
  // "who is the owner": the description of many a key has each of these words, by chance. And few
  // people look for a text of the bot.
  const isByChance = found[0]?.by === "words" &&
    (telling.length < words.length || found[0].key.path.startsWith(TEXTS));
  if (elsewhere !== undefined || found.length > 0 && !(isQuestion && isByChance)) {
    return { found, elsewhere };
  }
  const path = pathLike(typed, distance);
  const atPath = path === undefined ? [] : matches(path, keys);
  if (atPath.length > 0) return { found: atPath, instead: path };
  const named = keys.flatMap(({ name }) => [name, ...splitCamel(name).split(" ")]);
  const names = [...new Set([...named, ...meantWords()])];
  const near = words.map((word) => nearestOf(word, names, distance) ?? word);
  const instead = near.join(/\s/.test(typed) ? " " : ".");
  const nearby = near.every((word, at) => word === words[at]) ? [] : matches(instead, keys);
  if (isQuestion && (nearby[0]?.by ?? "words") === "words") {
    const asked = keysAskedFor(words, keys, distance);
    if (asked.length > 0) return { found: asked.map((key) => ({ key, by: "question" })) };
    const place = telling.map(setElsewhere).find((one) => one !== undefined);
    if (place !== undefined) return { found: [], elsewhere: place };
  }
  return nearby.length > 0 ? { found: nearby, instead } : { found: [] };
}

/** The path that was meant, key by key: a word can be like a name elsewhere in the config, too. */
function pathLike(typed: string, distance: Distance): string | undefined {
  const read = parsePath(typed);
  if (read.kind === "problem" || read.path.length < 2) return undefined;
  // `list.0` as `list[0]`; ids of Discord are longer.
  const parts = read.path.map((part) => /^\d{1,3}$/.test(String(part)) ? Number(part) : part);
  const path = nearestPath(configSchema, parts, distance);
  return path && pathText(path);
}

function matches(typed: string, keys: readonly ReferenceKey[]): readonly FoundKey[] {
  const meant = keysMeant(plainOf(typed));
  const reasonOf = reasonsFor(typed, meant);
  return keys.flatMap((key): readonly FoundKey[] => {
    const by = reasonOf(key);
    return by === undefined ? [] : [{ key, by }];
  }).toSorted((one, other) => rankOf(one, meant) - rankOf(other, meant));
}

function wordsOf(typed: string): readonly string[] {
  return typed.toLowerCase().split(/[\s.]+/).filter((word) => word !== "").slice(0, MAX_WORDS);
}

/** The bot's texts are many, and few people look for one. */
const TEXTS = "messages.texts.";

function rankOf({ key: { doc, path }, by }: FoundKey, meant: readonly string[]): number {
  const rank = ORDER.indexOf(by) * 10_000;
  if (by === "meaning") return rank + meant.indexOf(path);
  return rank + (path.startsWith(TEXTS) ? 5_000 : 0) + (doc.isCommon ? 0 : 150) +
    path.split(/[.[]/).length * 100 + path.length / 10;
}

function reasonsFor(
  typed: string,
  meant: readonly string[],
): (key: ReferenceKey) => FoundKey["by"] | undefined {
  const lower = typed.toLowerCase();
  const parts = partsOf(typed);
  const plain = plainOf(typed);
  const words = wordsOf(typed);
  return (key) => {
    const path = key.path.toLowerCase();
    if (path === lower || isPattern(segmentsOf(key.path), parts)) return "path";
    if (meant.includes(key.path)) return "meaning";
    if (path.endsWith(`.${lower}`) || plainOf(key.name) === plain) return "name";
    if (isEnd(segmentsOf(key.path), parts)) return "name";
    if (plain !== "" && plainOf(key.path).includes(plain)) return "part";
    const text = `${splitCamel(key.path)} ${path} ${key.doc.description}`.toLowerCase();
    return words.length > 0 && words.every((word) => text.includes(word)) ? "words" : undefined;
  };
}

/** The parts of a typed path: `[0]` and a name in quotes are parts of their own. */
function partsOf(typed: string): readonly string[] {
  const read = parsePath(typed);
  return read.kind === "problem"
    ? typed.toLowerCase().split(".")
    : read.path.map((part) => typeof part === "number" ? "[]" : part.toLowerCase());
}

/** The parts of a documented path: `"guilds.<guild>.users[]"`. */
function segmentsOf(path: string): readonly string[] {
  return path.toLowerCase().replaceAll("[]", ".[]").split(".");
}

/** Whether each part fits; a placeholder fits any name. */
function isPattern(segments: readonly string[], parts: readonly string[]): boolean {
  return segments.length === parts.length &&
    segments.every((segment, at) => segment === parts[at] || segment.startsWith("<"));
}

/** Whether a path ends with several typed parts: `guilds.123.users`. */
function isEnd(segments: readonly string[], parts: readonly string[]): boolean {
  return parts.length > 1 && parts.length < segments.length &&
    !segments.at(-parts.length)?.startsWith("<") &&
    isPattern(segments.slice(-parts.length), parts);
}

/** Without the marks that people leave out or mix up. */
function plainOf(text: string): string {
  return text.toLowerCase().replaceAll(/[_\s-]/g, "");
}

/** `"history Limit"` of `historyLimit`. */
function splitCamel(text: string): string {
  return text.replaceAll(/([a-z])([A-Z])/g, "$1 $2");
}
