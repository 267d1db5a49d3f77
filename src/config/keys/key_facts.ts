/** Tells the facts about a key of the config in plain text, and the page that documents it. */

import {
  defaultOf,
  exampleOf,
  jsonOnOneLine,
  type ReferenceKey,
  referenceKeys,
} from "../reference.ts";
import type { ReferencePart, TakesEffect } from "../schema/parts/key.ts";
import { allowedBy, isOptional, isSecret } from "../schema/parts/shape.ts";
import { configSchema } from "../schema/root.ts";

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
  /** What a change does in a running bot. */
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

export function pageOf({ task }: Pick<ReferenceKey, "task">): string {
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
