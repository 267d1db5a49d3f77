/**
 * What importing is made of: tables that say for each key where it goes, what becomes of its value,
 * or why it stays behind.
 *
 * @module
 */

import { pathTo } from "../../core/config_path.ts";
import { isList, isRecord } from "../text/tree.ts";
import { type Mark, markAt, setMark, UNMARKED } from "./read.ts";

/**
 * Which OpenClaw wrote the file. The one of the seed's page (2026.2) takes names in allowlists;
 * that of today does so only where it is told to.
 */
export type Era = "seed" | "today";

/** A remark about a key of the imported file. */
export interface ImportNote {
  /**
   * - `left`: not taken over.
   * - `changed`: taken over as something else, or with another meaning.
   * - `invalid`: it decides who may talk to the bot, and cannot be read: nothing is imported.
   */
  readonly kind: "left" | "changed" | "invalid";
  /** In the imported file. */
  readonly path: string;
  /** In the imported file, from 1. */
  readonly line: number;
  readonly why: string;
}

/** The place of an entry in the imported file. */
export interface Place {
  readonly path: string;
  readonly mark: Mark;
  readonly era: Era;
  /** Whether names in allowlists count, by what the file says of it. */
  readonly takesNames: boolean;
  note(kind: ImportNote["kind"], path: string, line: number, why: string): void;
}

/** An entry with its place. */
export interface Found extends Place {
  readonly key: string;
  readonly value: unknown;
}

/** What becomes of a value; `undefined` for one that is not taken over, and was said so. */
export type Convert = (value: unknown, found: Found) => unknown;

/** An object of our config that is being made. */
export type Made = Record<string, unknown>;

/** Puts an entry into what is being made. */
export type Rule = (found: Found, into: Made) => void;

export type Table = Readonly<Record<string, Rule>>;

/** The entry of a place's value under a key. */
export function inner(place: Place, container: unknown, key: string | number): Found {
  const value: unknown = typeof container === "object" && container &&
      Object.hasOwn(container, key)
    ? Reflect.get(container, key)
    : undefined;
  const mark = markAt(container, key);
  return { ...place, path: pathTo(place.path, key), mark, key: String(key), value };
}

/** Goes through an object by a table; a key that no rule knows stays behind. */
export function walk<T extends Made>(
  value: unknown,
  place: Place,
  table: Table,
  into: T,
  unknown: Rule = gone("Barnacle does not know this key"),
): T {
  for (const key of isRecord(value) ? Object.keys(value) : []) {
    const rule = (Object.hasOwn(table, key) ? table[key] : undefined) ?? unknown;
    rule(inner(place, value, key), into);
  }
  return into;
}

/** One rule for several keys. */
export function each(keys: readonly string[], rule: Rule): Table {
  return Object.fromEntries(keys.map((key) => [key, rule]));
}

/** Under the same key. */
export function same(convert: Convert): Rule {
  return (found, into) => moved(found, into, [found.key], convert);
}

/** Under another key, its path with dots. */
export function to(path: string, convert: Convert): Rule {
  return (found, into) => moved(found, into, path.split("."), convert);
}

/** Not taken over. */
export function gone(why: string): Rule {
  return (found) => refuse(found, why);
}

/** What is of no use to anybody but the program that wrote it: nothing is lost, nothing is said. */
export const dropped: Rule = () => {};

function moved(found: Found, into: Made, path: readonly string[], convert: Convert): void {
  const value = convert(found.value, found);
  if (value !== undefined) put(into, path, value, found.mark);
}

/**
 * Puts a value under its last key; objects on the way are made. It takes the place of another, but
 * two objects become one: what both of OpenClaw's spellings say is all of ours.
 */
export function put(into: Made, path: readonly string[], value: unknown, mark = UNMARKED): void {
  const [key = "", ...rest] = path;
  const old = Object.hasOwn(into, key) ? into[key] : undefined;
  if (rest.length > 0) {
    const host: Made = isRecord(old) ? { ...old } : {};
    put(host, rest, value, mark);
    define(into, key, host, old === undefined ? { ...UNMARKED, line: mark.line } : undefined);
  } else if (isRecord(old) && isRecord(value)) {
    const both: Made = { ...old };
    for (const [name, own] of Object.entries(value)) put(both, [name], own, markAt(value, name));
    define(into, key, both);
  } else define(into, key, value, mark);
}

/** No assignment: `__proto__` is a key like any other in somebody's file. */
function define(into: Made, key: string, value: unknown, mark?: Mark): void {
  Object.defineProperty(into, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
  if (mark) setMark(into, key, mark);
}

/** Not taken over, as its value is none that Barnacle could take. */
export function refuse({ path, mark, note }: Place, why: string): undefined {
  note("left", path, mark.line, why);
  return undefined;
}

/** Taken over as something else; `key` is of an entry below the place, as our file has it. */
export function changed({ path, mark, note }: Place, why: string, key = ""): void {
  note("changed", `${path}${key}`, mark.line, why);
}

/** Nothing is imported. */
export function invalid({ path, mark, note }: Place, why: string): undefined {
  note("invalid", path, mark.line, why);
  return undefined;
}

/** A value that decides who may talk to the bot: left behind, it could let in somebody it kept out. */
export function must(convert: Convert): Convert {
  return (value, found) =>
    convert(value, {
      ...found,
      note: (kind, path, line, why) =>
        found.note(kind === "left" && path === found.path ? "invalid" : kind, path, line, why),
    });
}

/** An object by a table of its own. */
export function section(table: Table): Convert {
  return (value, found) =>
    isRecord(value) ? walk(value, found, table, {}) : refuse(found, "This is no object");
}

/** An object whose keys are names, such as ids. */
export function eachKey(convert: Convert): Convert {
  return (value, found) =>
    isRecord(value)
      ? walk(value, found, {}, {}, same(convert))
      : refuse(found, "This is no object");
}

/** A list; an entry that is not taken over leaves the others, and an empty list stays one. */
export function listOf(convert: Convert): Convert {
  return (value, found) => {
    if (!isList(value)) return refuse(found, "This is no list");
    const made: unknown[] = [];
    for (const index of value.keys()) {
      const one = inner(found, value, index);
      const taken = convert(one.value, one);
      if (taken !== undefined) setMark(made, made.push(taken) - 1, one.mark);
    }
    return made;
  };
}
