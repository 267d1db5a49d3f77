/**
 * Writes what is made from the config's schema: `config.example.jsonc`, and the table in the
 * README between its two marks.
 *
 * With `--check` it writes nothing and fails where something is out of date, so that a key
 * cannot be added without its documentation (C4).
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { z } from "zod";
import { effectText } from "../src/config/schema/key.ts";
import { configSchema, discordSection } from "../src/config/schema/root.ts";
import {
  childOf,
  core,
  docOf,
  isOptional,
  layersOf,
  type Schema,
  shapeOf,
} from "../src/config/schema/shape.ts";

const WIDTH = 100;

/** Sections whose keys stand elsewhere already. */
const REPEATED = new Map([[
  "channels.discord.accounts",
  "Each takes any key of channels.discord.",
]]);

/** What a name stands for in the table. */
const NAMES: Readonly<Record<string, string>> = {
  dms: "<user id>",
  guilds: "<guild>",
  channels: "<channel>",
  assignments: "<agent id>",
  providers: "<id>",
  models: "<name>",
  prices: "<name>",
  servers: "<id>",
};

const BEGIN = "<!-- config:begin -->";
const END = "<!-- config:end -->";

/** The example: every key with its default. */
export function exampleText(schema: Schema = configSchema): string {
  return [
    "// Every key of Barnacle's config, with its default. A key in a comment has no default, or",
    "// does nothing in this version. None has to be written: with a token in the environment,",
    "// no file at all is a config. `barnacle config check` says what is wrong with one.",
    "//",
    "// deno-fmt-ignore -- the formatter takes away commas that the keys in comments need",
    "{",
    ...members(schema, "", false).map(indent),
    "}",
    "",
  ].join("\n");
}

/** The README's table. */
export function tableText(schema: Schema = configSchema): string {
  return [
    "| Key | Default | Meaning |",
    "| --- | --- | --- |",
    ...rows(schema, "").map((cells) => `| ${cells.map(cell).join(" | ")} |`),
    "",
    "† does nothing in this version; what it would let in is denied, and where it would keep the bot " +
    "from answering it is an error.",
  ].join("\n");
}

/** The lines of an object's keys; `commented` within a part that is a comment as a whole. */
function members(schema: Schema, path: string, commented: boolean): readonly string[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([name, child]) => {
    const here = path === "" ? name : `${path}.${name}`;
    const doc = docOf(child);
    const isLive = (doc?.built ?? "built") === "built" &&
      (isSection(child) || (defaultOf(child) !== undefined && !hasKeys(itemOf(child))));
    const lines = valueLines(name, child, here, commented || !isLive);
    const words = [describe(child), REPEATED.get(here)].filter((part) => part).join(" ");
    return [
      ...wrapped(words, WIDTH - 4 - 2 * here.split(".").length).map((line) => `// ${line}`),
      ...(isLive || commented ? lines : lines.map((line) => `// ${line}`)),
    ];
  });
}

function valueLines(
  name: string,
  schema: Schema,
  path: string,
  commented: boolean,
): readonly string[] {
  const plain = core(schema);
  const key = JSON.stringify(name);
  if (isSection(schema)) {
    return [`${key}: {`, ...members(schema, path, commented).map(indent), "},"];
  }
  const item = itemOf(schema);
  if (item && hasKeys(item) && !REPEATED.has(path)) {
    const inner = members(item, `${path}.*`, true).map(indent);
    if (plain instanceof z.ZodRecord) {
      const example: unknown = docOf(schema)?.example;
      const entry = JSON.stringify(Object.keys(example ?? {})[0] ?? exampleKey(name));
      return [`${key}: {`, ...[`${entry}: {`, ...inner, "},"].map(indent), "},"];
    }
    if (plain instanceof z.ZodArray) {
      return [`${key}: [`, ...["{", ...inner, "},"].map(indent), "],"];
    }
  }
  const value: unknown = defaultOf(schema) ?? docOf(schema)?.example ?? {};
  return [`${key}: ${oneLine(value)},`];
}

function rows(schema: Schema, path: string): readonly (readonly string[])[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([name, child]) => {
    const here = path === "" ? name : `${path}.${name}`;
    const doc = docOf(child);
    const mark = (doc?.built ?? "built") === "built" ? "" : " †";
    const fallback = defaultOf(child);
    const shown = fallback !== undefined
      ? `\`${oneLine(fallback)}\``
      : doc?.unset ?? (isOptional(child) ? "none" : "required");
    const words = [doc?.description, doc && effectText(doc)].filter((part) => part).join(" ");
    const row = [`\`${here}\`${mark}`, isSection(child) ? "" : shown, words];
    const item = itemOf(child);
    const inner = mark !== "" || REPEATED.has(here)
      ? []
      : isSection(child) || (core(child) instanceof z.ZodUnion && hasKeys(child))
      ? rows(child, here)
      : hasKeys(item) && item
      ? rows(item, core(child) instanceof z.ZodArray ? `${here}[]` : `${here}.${NAMES[name]}`)
      : [];
    return [row, ...inner];
  });
}

/** Whether a key is an object whose keys have defaults of their own. */
function isSection(schema: Schema): boolean {
  const isOpen = schema === discordSection ||
    layersOf(schema).some((layer) => layer instanceof z.ZodPrefault);
  return isOpen && core(schema) instanceof z.ZodObject;
}

/** What a list or a record is made of. */
function itemOf(schema: Schema): Schema | undefined {
  return childOf(schema, "*");
}

function hasKeys(schema: Schema | undefined): boolean {
  return Object.values((schema && shapeOf(schema)) ?? {}).some((child) => docOf(child));
}

function defaultOf(schema: Schema): unknown {
  return layersOf(schema).find((layer) => layer instanceof z.ZodDefault)?.def.defaultValue;
}

function describe(schema: Schema): string {
  const doc = docOf(schema);
  const unset = doc?.unset === undefined ? undefined : `Default: ${doc.unset}.`;
  return [doc?.description, unset, doc && effectText(doc)].filter((part) => part).join(" ");
}

function exampleKey(name: string): string {
  if (name === "dms") return "123456789012345678";
  return name === "providers" ? "ollama" : "main";
}

/** JSON as the formatter leaves it. */
function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, part]) =>
    `${JSON.stringify(key)}: ${oneLine(part)}`
  );
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  // A line that begins with a quote would look like a key in a comment, so such a word never starts
  // a line: it moves together with the word before it.
  for (const word of text.split(/ (?!")/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

function indent(line: string): string {
  return `  ${line}`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** The README with a new table; as it is, where it has no marks. */
function withTable(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) return readme;
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${tableText()}\n\n${readme.slice(end)}`;
}

function main(): void {
  const root = join(import.meta.dirname ?? ".", "..");
  const readmePath = join(root, "README.md");
  const targets = [{ path: join(root, "config.example.jsonc"), text: exampleText() }];
  if (existsSync(readmePath)) {
    targets.push({ path: readmePath, text: withTable(readFileSync(readmePath, "utf8")) });
  }
  for (const { path, text } of targets) {
    const isCurrent = existsSync(path) && readFileSync(path, "utf8") === text;
    if (isCurrent) continue;
    if (process.argv.includes("--check")) {
      console.error(`${path} is out of date: deno run -A scripts/config_reference.ts`);
      process.exitCode = 1;
    } else writeFileSync(path, text);
  }
}

if (import.meta.main) main();
