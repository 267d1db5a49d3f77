/**
 * Tests the names of the connection guide: both tables of the documents, and the hints for a config
 * that has such a name.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { z } from "zod";
import { allTasks } from "../../../src/cli/tasks.ts";
import { EXTRAS } from "../../../src/extras/extras.ts";
import type { CliCommand } from "../../../src/cli/help/command_help.ts";
import { type ReferenceKey, referenceKeys } from "../../../src/config/reference.ts";
import { configSchema } from "../../../src/config/schema/root.ts";
import { load } from "../support.ts";

const TASKS = await allTasks(EXTRAS);

const DOCS = join(import.meta.dirname!, "..", "..", "..", "docs");
const PARAGRAPHS = readdirSync(join(DOCS, "specification"))
  .map((page) => readFileSync(join(DOCS, "specification", page), "utf8")).join("\n");
const PAGE = readFileSync(join(DOCS, "coming-from-openclaw.md"), "utf8");

/** Names of functions, which Barnacle has as commands or always does, and their hints. */
const FUNCTIONS: Readonly<Record<string, RegExp>> = {
  validate_env: /^remove it: .*preflight.*`barnacle doctor`/,
  generate_invite_url: /^remove it: `barnacle invite`/,
  graceful_shutdown: /^remove it: .*always/,
};

/** Names of the guide with a hint, beside those of the table. */
const MORE_HINTS = [
  "tool_config",
  "gateway_options",
  "rate_limit",
  "required_vars",
  "max_retries",
  "check_network",
  "check_dns",
];

interface Row {
  /** Names of the guide, without brackets and values. */
  readonly names: readonly string[];
  readonly barnacle: string;
}

/** A key of Barnacle, with the value that a table gives it. */
interface Named {
  readonly key: ReferenceKey;
  readonly value?: unknown;
}

function tableBelow(page: string, heading: string): readonly Row[] {
  const [, below = ""] = page.split(`\n## ${heading}\n`);
  const [part = ""] = below.split("\n## ");
  const rows = part.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((line) => {
    const [, guide = "", barnacle = ""] = line.split(" | ").join("|").split("|");
    return { names: spansOf(guide).map(nameOf), barnacle };
  });
}

const RULES = tableBelow(PARAGRAPHS, "C13 · Names of the connection guide");
const REPEATED = tableBelow(PAGE, "Names of the connection guide");

function spansOf(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span);
}

/** `"tcp_keepalive"` for `"gateway_options.tcp_keepalive"`, `"Intents"` for `"Intents.x()"`. */
function nameOf(span: string): string {
  const [call = ""] = span.split(/[(=]/);
  if (call === "run") return span.replace(/^run\((\w+)=.*$/, "$1");
  const words = call.split(".");
  return (/^[A-Z]/.test(call) ? words[0] : words.at(-1)) ?? "";
}

function all(keys: readonly ReferenceKey[]): readonly ReferenceKey[] {
  return keys.flatMap((key) => [key, ...all(key.keys)]);
}

const KEYS = new Map(all(referenceKeys(configSchema)).map((key) => [key.path, key]));

/** A key by its short path (C12). */
function keyOf(path: string): ReferenceKey {
  const key = KEYS.get(`channels.discord.${path}`) ?? KEYS.get(path);
  assert.ok(key, `no key ${path}`);
  return key;
}

/** The keys of a cell: `` `a.b` ``, `` `a: "value"` ``, `` `a { b, c }` ``, or a value alone. */
function keysIn({ barnacle }: Row): readonly Named[] {
  const named: Named[] = [];
  for (const span of spansOf(barnacle).filter((span) => !span.startsWith("barnacle "))) {
    const [, path = "", inner, value] = /^([\w.]*)(?: \{ (.+) \})?(?:: )?(".+")?$/.exec(span) ?? [];
    const own = path === "" ? named.at(-1)?.key : keyOf(path);
    assert.ok(own, `${span} is no key`);
    named.push({ key: own, ...(value !== undefined && { value: JSON.parse(value) }) });
    for (const name of inner?.split(", ") ?? []) named.push({ key: keyOf(`${path}.${name}`) });
  }
  return named;
}

function commandsIn({ barnacle }: Row): readonly string[] {
  return spansOf(barnacle).filter((span) => span.startsWith("barnacle "));
}

/** The command of a line: `"barnacle run --connection-debug"`. */
function commandOf(line: string): CliCommand | undefined {
  const [, name = "", action = ""] = line.split(" ");
  const commands = Object.assign({}, ...TASKS.map((task) => task.commands));
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  return entry?.kind === "group" ? entry.commands[action] : entry;
}

function flagsOf(command: CliCommand): readonly string[] {
  return Object.keys(command.target.parameters.flags ?? {})
    .map((flag) => `--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
}

/** Judges a row: its keys and commands exist. */
function judge(row: Row): void {
  const keys = keysIn(row);
  for (const { key, value } of keys) {
    if (value === undefined) continue;
    assert.ok(z.safeParse(key.schema, value).success, `${key.path}: ${String(value)}`);
  }
  for (const line of commandsIn(row)) {
    const command = commandOf(line);
    assert.ok(command, line);
    const flags = line.split(" ").filter((word) => word.startsWith("--"));
    assert.deepEqual(flags.filter((flag) => !flagsOf(command).includes(flag)), []);
  }
  if (keys.length + commandsIn(row).length === 0) assert.match(row.barnacle, /no key|always/);
}

describe("[C13] the names of the connection guide in the specification", () => {
  it("are a table of all names", () => {
    assert.equal(RULES.length, 14);
    assert.deepEqual(RULES.filter(({ names }) => names.length !== 1), []);
  });

  for (const row of RULES) {
    it(`has keys and commands that exist beside ${row.names.join()}`, () => {
      judge(row);
      for (const [, mark = ""] of row.barnacle.matchAll(/\(([A-Z]\d+)\)/g)) {
        assert.ok(PARAGRAPHS.includes(`\n## ${mark} · `), mark);
      }
    });
  }
});

describe("[C13] the names of the connection guide in docs/coming-from-openclaw.md", () => {
  for (const row of REPEATED) {
    it(`has keys and commands that exist beside ${row.names.join()}`, () => judge(row));
  }

  for (const { names, ...rule } of RULES) {
    it(`has the key and the command of the specification beside ${names.join()}`, () => {
      const [row, ...others] = REPEATED.filter((one) =>
        names.every((name) => one.names.includes(name))
      );
      assert.ok(row && others.length === 0);
      const paths = keysIn(row).map(({ key }) => key.path);
      for (const { key } of keysIn({ names, ...rule })) assert.ok(paths.includes(key.path));
      assert.deepEqual(
        commandsIn({ names, ...rule }).filter((line) => !commandsIn(row).includes(line)),
        [],
      );
    });
  }

  it("names the keys that are in channels.discord", () => {
    const [, list = ""] = /^(.+) are keys of `channels\.discord`\.$/m.exec(PAGE) ?? [];
    const sections = REPEATED.flatMap(keysIn)
      .map(({ key }) => /^channels\.discord\.(\w+)/.exec(key.path)?.[1])
      .filter((name) => name !== undefined);
    assert.deepEqual([...spansOf(list)].sort(), [...new Set(sections)].sort());
  });
});

async function hintFor(name: string): Promise<string> {
  const { problems } = await load(JSON.stringify({ [name]: 1 }));
  return problems.find(({ path }) => path === name)?.hint ?? "";
}

/** The key that a hint names; `undefined` if it says to remove the name. */
function keyInHint(hint: string, name: string): string | undefined {
  const [, key = name, section] = /^(?:write "(\w+)".*|it belongs) in ([\w.]+)$/.exec(hint) ?? [];
  if (section === undefined) assert.match(hint, /^remove it: /);
  return section && `${section}.${key}`;
}

describe("[C13] a name of the connection guide in the config", () => {
  const names = RULES.flatMap((row) => row.names).filter((name) => /^[a-z_]+$/.test(name));
  for (const [name, hint] of Object.entries(FUNCTIONS)) {
    it(`gets a hint with the way of Barnacle: ${name}`, async () => {
      assert.match(await hintFor(name), hint);
    });
  }

  for (const name of names.filter((name) => !Object.hasOwn(FUNCTIONS, name))) {
    it(`gets a hint with the key of the specification: ${name}`, async () => {
      const row = RULES.find((one) => one.names.includes(name));
      assert.ok(row);
      const [named] = keysIn(row);
      assert.equal(keyInHint(await hintFor(name), name), named?.key.path);
    });
  }

  for (const name of MORE_HINTS) {
    it(`gets a hint with a key that exists: ${name}`, async () => {
      const path = keyInHint(await hintFor(name), name);
      assert.ok(path !== undefined && KEYS.has(path), path);
    });
  }
});
