/**
 * What importing is made of: tables that say for each key where it goes, what becomes of its value,
 * or why it stays behind.
 *
 * @module
 */

import { pathTo } from "../../core/config_path.ts";
import type { Container, Entry, Part } from "../text/json5.ts";
import { containerOf, put, withValue } from "./tree.ts";

/**
 * Which OpenClaw wrote the file. The one of the seed's page (2026.2) takes names in allowlists;
 * that of today does so only where it is told to.
 */
export type Era = "seed" | "today";

/** What is said of a key of the imported file. */
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

/** Where a walk is: what it reads, and what it has made so far. */
export interface Place {
  readonly path: string;
  readonly era: Era;
  /** Whether names in allowlists count, by what the file says of it. */
  readonly takesNames: boolean;
  note(kind: ImportNote["kind"], path: string, line: number, why: string): void;
}

/** An entry with the place it is in. */
export interface Found extends Place {
  readonly entry: Entry;
}

/** What becomes of a value; `undefined` where it is not taken over, and said so. */
export type Convert = (part: Part, found: Found) => Part | undefined;

/** Makes of the target what it is with this entry. */
export type Rule = (found: Found, into: Container) => Container;

export type Table = Readonly<Record<string, Rule>>;

/** Goes through an object by a table; a key that no rule knows stays behind. */
export function walk(
  part: Part,
  place: Place,
  table: Table,
  into: Container = containerOf("object"),
  unknown: Rule = gone("Barnacle does not know this key"),
): Container {
  if (part.kind !== "object") return into;
  let made = into;
  for (const entry of part.entries) {
    const key = entry.key ?? "";
    const rule = Object.hasOwn(table, key) ? table[key] : undefined;
    made = (rule ?? unknown)({ ...place, path: pathTo(place.path, key), entry }, made);
  }
  return {
    ...made,
    opening: [...made.opening, ...part.opening],
    closing: [...made.closing, ...part.closing],
    isOnLines: made.isOnLines || part.isOnLines,
  };
}

/** Under the same key. */
export function same(convert: Convert = asIs): Rule {
  return (found, into) => moved(found, into, [found.entry.key ?? ""], convert);
}

/** Under another key, its path with dots. */
export function to(path: string, convert: Convert = asIs): Rule {
  return (found, into) => moved(found, into, path.split("."), convert);
}

/** Not taken over. */
export function gone(why: string): Rule {
  return ({ path, entry, note }, into) => {
    note("left", path, entry.line, why);
    return into;
  };
}

/** What is of no use to anybody but the program that wrote it: nothing is lost, nothing is said. */
export const dropped: Rule = (_, into) => into;

function moved(
  found: Found,
  into: Container,
  path: readonly string[],
  convert: Convert,
): Container {
  const value = convert(found.entry.value, found);
  return value ? put(into, path, withValue(found.entry, value)) : into;
}

const asIs: Convert = (part) => part;

/** Not taken over, as its value is none that Barnacle could take. */
export function refuse(found: Found, why: string): undefined {
  found.note("left", found.path, found.entry.line, why);
  return undefined;
}

/** A value that decides who may talk to the bot: left behind, it could let in somebody it kept out. */
export function must(convert: Convert): Convert {
  return (part, found) =>
    convert(part, {
      ...found,
      note: (kind, path, line, why) =>
        found.note(kind === "left" && path === found.path ? "invalid" : kind, path, line, why),
    });
}

/** An object by a table of its own. */
export function section(table: Table): Convert {
  return (part, found) =>
    part.kind === "object" ? walk(part, found, table) : refuse(found, "This is no object");
}
