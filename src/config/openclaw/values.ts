/**
 * Values of an imported file as ours: what is of another kind stays behind, what is out of bounds
 * is put at the bound.
 *
 * @module
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { isReference } from "../schema/secrets.ts";
import type { Entry, Part } from "../text/json5.ts";
import { partOf, withValue } from "./tree.ts";
import { type Convert, type Found, refuse } from "./rules.ts";
import { pathTo } from "../../core/config_path.ts";

/** OpenClaw puts variables into any text; we put them into secrets. */
const VARIABLE = /\$\{[A-Z_][A-Z0-9_]*\}/;

/** `true` or `false`. */
export const flag: Convert = (part, found) =>
  part.kind === "scalar" && typeof part.value === "boolean"
    ? part
    : refuse(found, "This is not true or false");

/** A text; a number is taken as its digits. */
export const words: Convert = (part, found) => {
  const text = textOf(part);
  if (text === undefined) return refuse(found, "This is no text");
  if (VARIABLE.test(text)) {
    const why = "Barnacle puts variables into secrets only: here ${…} stays as it is written";
    found.note("changed", found.path, found.entry.line, why);
  }
  return partOfText(part, text);
};

/** A list of texts; what is none stays behind. */
export const listOfWords: Convert = (part, found) => listBy(part, found, words);

/** A list; an entry that is not taken over leaves the others, and an empty list stays one. */
export function listBy(part: Part, found: Found, convert: Convert): Part | undefined {
  if (part.kind !== "list") return refuse(found, "This is no list");
  const entries = part.entries.flatMap((entry, index): readonly Entry[] => {
    const value = convert(entry.value, { ...found, path: pathTo(found.path, index), entry });
    return value ? [withValue(entry, value)] : [];
  });
  return { ...part, entries };
}

/** Ids of Discord; written as numbers, they become texts of the same digits. */
export const ids: Convert = (part, found) =>
  listBy(part, found, (one, at) => {
    const text = textOf(one)?.trim().replace(/^(?:discord|user):/i, "").replace(
      /^<@!?(\d+)>$/,
      "$1",
    );
    if (text === undefined || parseSnowflake(text) === undefined) {
      return refuse(at, "This is no id of Discord");
    }
    return partOfText(one, text);
  });

/** A number within bounds. */
export function amount(least: number, most: number, isWhole = true): Convert {
  return (part, found) => {
    const number = part.kind === "scalar" ? Number(part.value) : NaN;
    const isNumber = part.kind === "scalar" && typeof part.value === "number";
    if (!isNumber || Number.isNaN(number)) return refuse(found, "This is no number");
    const bound = Math.min(most, Math.max(least, isWhole ? Math.round(number) : number));
    if (bound === number) return part;
    const why =
      `Barnacle takes ${isWhole ? "whole numbers" : "numbers"} from ${least} to ${most}: ` +
      `it is ${bound} now`;
    found.note("changed", found.path, found.entry.line, why);
    return partOf(bound);
  };
}

/** One of some words, or what we say for it; `why` where ours is not quite the same. */
export function oneOf(
  allowed: Readonly<
    Record<string, string | boolean | { readonly as: string; readonly why: string }>
  >,
): Convert {
  return (part, found) => {
    const name = part.kind === "scalar" ? String(part.value) : "";
    const ours = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
    if (ours === undefined) {
      return refuse(found, `Barnacle knows ${Object.keys(allowed).join(", ")} here`);
    }
    if (typeof ours === "object") {
      found.note("changed", found.path, found.entry.line, ours.why);
      return partOf(ours.as);
    }
    return part.kind === "scalar" && part.value === ours ? part : partOf(ours);
  };
}

/**
 * A token or key: itself, `"${NAME}"`, or the reference of today's OpenClaw to a variable.
 *
 * Nothing that is said of it may hold a part of it.
 */
export const secretValue: Convert = (part, found) => {
  if (part.kind === "object") {
    const fields = new Map(part.entries.map(({ key, value }) => [key, textOf(value)]));
    const id = fields.get("id");
    if (fields.get("source") === "env" && id !== undefined && /^[A-Za-z_]\w*$/.test(id)) {
      return partOf(`\${${id}}`);
    }
    return refuse(
      found,
      'This secret is kept by OpenClaw; put it into a file, and write { "file": "path" }',
    );
  }
  const text = textOf(part);
  if (text === undefined || text.trim() === "") return refuse(found, "This is empty");
  if (text.includes("${") && !isReference(text)) {
    return refuse(found, "A variable must be the whole secret here; write it again");
  }
  return partOfText(part, text);
};

/** Of a text, itself; of a number, the digits as they were written. */
export function textOf(part: Part): string | undefined {
  if (part.kind !== "scalar") return undefined;
  if (typeof part.value === "string") return part.value;
  return typeof part.value === "number" && !Number.isNaN(part.value) ? part.text : undefined;
}

/** Keeps the escapes of a text that stays as it is. */
export function partOfText(part: Part, text: string): Part {
  return part.kind === "scalar" && part.value === text ? part : partOf(text);
}
