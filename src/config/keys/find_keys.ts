/**
 * Finds keys of the config by what a person types: a path, its last part, words of the description,
 * or a name with typing mistakes. `barnacle config explain` searches with it.
 */

import { type Distance, nearestOf } from "../checks/issues.ts";
import {
  defaultOf,
  exampleOf,
  jsonOnOneLine,
  type ReferenceKey,
  referenceKeys,
} from "../reference.ts";
import type { ReferencePart, TakesEffect } from "../schema/parts/key.ts";
import { allowedBy, isOptional, isSecret } from "../schema/parts/key.ts";
import { configSchema } from "../schema/root.ts";
import { parsePath } from "../text/edit.ts";

/** Facts about a key, for people; all but `example` are plain text. */
export interface KeyFacts {
  /** Config path with placeholders: `"channels.discord.guilds.<guild>.users"`. */
  readonly path: string;
  /** What the key does; Markdown's code marks are in it. */
  readonly description: string;
  /** The values that it takes: `"a whole number from 0 to 200"`. */
  readonly values: string;
  readonly default: string;
  /** Unit of a number: `"seconds"`; absent: none. */
  readonly unit?: string;
  /** A valid line of the file: `'"historyLimit": 50'`; absent: there is none. */
  readonly example?: string;
  readonly change: string;
  /** Page and anchor in `docs/`: `"configuration/access.md#channelsdiscorddmpolicy"`. */
  readonly docs: string;
  /** Paths of the keys below it, for a section, and for entries of a record or a list. */
  readonly keys: readonly string[];
}

/** What a change does, by the time at which it takes effect. */
export const EFFECTS: Readonly<Record<TakesEffect, string>> = {
  now: "applies live",
  reconnect: "the account reconnects",
  restart: "needs a restart",
};

/** Pages of the reference in `docs/`, by the part of the reference. */
export const PAGES: Readonly<Record<ReferencePart, string>> = {
  access: "configuration/access.md",
  replies: "configuration/replies.md",
  models: "configuration/models.md",
  agents: "configuration/agents.md",
  connection: "configuration/connection.md",
  operating: "configuration/operating.md",
};

const INDEX_PAGE = "configuration.md";

export function pageOf({ task }: ReferenceKey): string {
  return PAGES[task];
}

/** The anchor that GitHub gives to a heading. */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\w -]/g, "").replaceAll(" ", "-");
}

export function docsOf(key: ReferenceKey): string {
  const page = key.isSection ? pageOfSection(key) : pageOf(key);
  return page === undefined ? INDEX_PAGE : `${page}#${anchorOf(key.path)}`;
}

/** The page with the heading of a section: one that has keys of it, its own if possible. */
function pageOfSection(section: ReferenceKey): string | undefined {
  const pages = section.keys.filter(({ isSection }) => !isSection).map(pageOf);
  const own = pageOf(section);
  return pages.includes(own) ? own : pages[0];
}

export function keyFacts(key: ReferenceKey): KeyFacts {
  const { path, name, schema, doc, takesEffect, keys } = key;
  const fallback = defaultOf(schema);
  const example = exampleOf(key);
  return {
    path,
    description: doc.description,
    values: valuesOf(key),
    default: fallback !== undefined
      ? jsonOnOneLine(fallback)
      : doc.unset ?? (isOptional(schema) ? "none" : "required"),
    unit: doc.unit,
    example: example === undefined ? undefined : `"${name}": ${jsonOnOneLine(example)}`,
    change: EFFECTS[takesEffect],
    docs: docsOf(key),
    keys: keys.map((inner) => inner.path),
  };
}

/** The values that a key takes, in words. */
export function valuesOf({ schema, doc: { entry }, isSection }: ReferenceKey): string {
  if (isSection) return "a section";
  if (entry !== undefined && entry !== "[]") return `an object, { "${entry}": { … } }`;
  if (isSecret(schema)) {
    return '{ "file": "name" }, or a text in quotes';
  }
  return allowedBy(schema, Infinity);
}

let all: readonly ReferenceKey[] | undefined;

/** All documented keys of the config, with those of sections, records and lists; read once. */
export function allKeys(): readonly ReferenceKey[] {
  return all ??= flat(referenceKeys(configSchema));
}

function flat(keys: readonly ReferenceKey[]): readonly ReferenceKey[] {
  return keys.flatMap((key) => [key, ...flat(key.keys)]);
}

export interface FoundKey {
  readonly key: ReferenceKey;
  /**
   * Why it was found: the query is its path or the end of it; or its path and description have all
   * words of the query, which is no path.
   */
  readonly by: "path" | "name" | "words";
}

/** Reasons, the best first. */
const ORDER: readonly FoundKey["by"][] = ["path", "name", "words"];

const MAX_QUERY = 200;
const MAX_WORDS = 8;

/**
 * Finds keys.
 *
 * @param query As typed: `"historylimit"`, `"guilds.123.users"`, `"rate limit"`.
 * @param distance Counts typing mistakes; loaded by the caller, as few callers need it.
 */
export function findKeys(query: string, distance: Distance): {
  /** The best first: by reason, then the usual ones, and short paths. */
  readonly found: readonly FoundKey[];
  /**
   * The words without their typing mistakes, if the written ones match nothing; else the known start
   * of a path.
   */
  readonly instead?: string;
} {
  const keys = allKeys();
  // Problems name entries of lists, which their list explains.
  const typed = query.trim().slice(0, MAX_QUERY).replace(/(?:\[\d+\])+$/, "");
  if (!/[\p{L}\p{N}]/u.test(typed)) return { found: [] };
  const found = matches(typed, keys);
  if (found.length > 0) return { found };
  const wordsIn = (name: string) => [name, ...splitCamel(name).toLowerCase().split(" ")];
  const names = [...new Set(keys.flatMap(({ name }) => wordsIn(name)))];
  const near = wordsOf(typed).map((word) => nearestOf(word, names, distance) ?? word);
  const instead = near.join(/\s/.test(typed) ? " " : ".");
  const nearby = matches(instead, keys);
  if (nearby.length > 0) return { found: nearby, instead };
  const parts = isPath(typed) ? typed.split(".") : [];
  for (let length = parts.length - 1; length > 0; length--) {
    const start = parts.slice(0, length).join(".");
    const sections = matches(start, keys).filter(({ by }) => by !== "words");
    if (sections.length > 0) return { found: sections, instead: start };
  }
  return { found: [] };
}

const isPath = (typed: string): boolean => typed.includes(".") && !/\s/.test(typed);

function matches(typed: string, keys: readonly ReferenceKey[]): readonly FoundKey[] {
  const read = parsePath(typed);
  const parts = read.kind === "problem"
    ? typed.toLowerCase().split(".")
    : read.path.map((part) => typeof part === "number" ? "[]" : part.toLowerCase());
  const words = isPath(typed) ? [] : wordsOf(typed);
  const reasonOf = ({ path, name, doc }: ReferenceKey): FoundKey["by"] | undefined => {
    const segments = path.toLowerCase().replaceAll("[]", ".[]").split(".");
    const end = segments.slice(-parts.length);
    // A placeholder fits any name.
    const fits = end.length === parts.length &&
      end.every((segment, at) => segment === parts[at] || segment.startsWith("<"));
    if (fits && end.length === segments.length || path.toLowerCase() === typed.toLowerCase()) {
      return "path";
    }
    if (plainOf(name) === plainOf(typed) || fits && end.length > 1 && !end[0]?.startsWith("<")) {
      return "name";
    }
    const text = `${splitCamel(path)} ${path} ${plainOf(path)} ${doc.description}`.toLowerCase();
    return words.length > 0 && words.every((word) => text.includes(word)) ? "words" : undefined;
  };
  return keys.flatMap((key): readonly FoundKey[] => {
    const by = reasonOf(key);
    return by === undefined ? [] : [{ key, by }];
  }).toSorted((one, other) => rankOf(one) - rankOf(other));
}

function wordsOf(typed: string): readonly string[] {
  return typed.toLowerCase().split(/[\s.]+/).filter((word) => word !== "").slice(0, MAX_WORDS);
}

function rankOf({ key: { doc, path }, by }: FoundKey): number {
  return ORDER.indexOf(by) * 10_000 + (doc.isCommon ? 0 : 150) +
    path.split(/[.[]/).length * 100 + path.length / 10;
}

/** Without the marks that people leave out or mix up. */
function plainOf(text: string): string {
  return text.toLowerCase().replaceAll(/[_\s-]/g, "");
}

/** `"history Limit"` of `historyLimit`. */
function splitCamel(text: string): string {
  return text.replaceAll(/([a-z])([A-Z])/g, "$1 $2");
}
