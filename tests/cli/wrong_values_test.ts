/**
 * Gives each option and argument of each command its wrong values, and reads the words that a person
 * sees. A new kind of value needs a row in {@link KINDS}.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { TASKS } from "../../src/cli/commands.ts";
import type { CliCommand, CliOption } from "../../src/cli/help/command_help.ts";
import { dashed } from "../../src/cli/help/error_texts.ts";
import { exitRows } from "../../src/cli/shared/exit_code.ts";
import type { Outcome } from "../support/process/command_lines.ts";
import { tempDirectory } from "../support/temp_directory.ts";
import { createDataFixture, removeDataFixtures } from "./data_fixture.ts";

after(removeDataFixtures);

/** Wrong values, and the words of which each message must have some. */
interface Kind {
  readonly values: readonly string[];
  /** Absent: some commands accept some of the values. */
  readonly words?: RegExp;
  /** A value of the right form, beside wrong values of other options. */
  readonly good?: string;
}

const CONTROL = "a\u001b]0;t\u0007\nb";
const NUMBERS = ["", "abc", "-1", "1e309", "NaN", "9".repeat(400), "1.5", "0x10", CONTROL];
const TEXTS = ["", "nonsense", CONTROL, "x".repeat(5_000), "__proto__", "-1", "9".repeat(400)];

const folder = tempDirectory();
after(() => folder[Symbol.dispose]());
const at = (name: string) => join(folder.path, name);
mkdirSync(at("folder"));
writeFileSync(at("empty"), "");
writeFileSync(at("binary"), Uint8Array.from({ length: 4_000 }, (_, index) => (index * 37) % 256));
symlinkSync(at("loop"), at("loop"));
const PATHS = [
  "",
  at("missing"),
  at("folder"),
  at("empty"),
  at("binary"),
  at("empty/below"),
  at("loop"),
  `/${"x".repeat(300)}`,
  at(CONTROL),
  ...process.platform === "linux" ? ["/dev/zero", "/proc/self/mem"] : [],
];

/** Kinds by the placeholder of the help texts. */
const KINDS: Readonly<Record<string, Kind>> = {
  path: { values: PATHS },
  "backup file": { values: PATHS, good: at("missing") },
  file: { values: PATHS, good: at("missing") },
  number: { values: NUMBERS, words: /is no(?:t a)? number/, good: "1" },
  minutes: { values: NUMBERS, words: /minutes/ },
  seconds: { values: NUMBERS, words: /seconds/ },
  code: { values: TEXTS, words: /`barnacle pairing/, good: "K7XQ2MPR" },
  "link or id": { values: TEXTS, words: /\blink\b/, good: "1400000000000000001" },
  session: { values: TEXTS, words: /`barnacle sessions list`/, good: "main" },
  feed: { values: TEXTS, words: /`barnacle feeds list`/, good: "news" },
  time: { values: TEXTS, words: /is no time; write 30m/ },
  role: { values: TEXTS, words: /no role has this name; use an id/ },
  channel: { values: TEXTS, words: /unknown channel .*; use a link, or dm/, good: "dm" },
  agent: { values: TEXTS, words: /There is no agent .*; the config has "main"/ },
  server: { values: TEXTS, words: /mcp list|it has: none/, good: "files" },
  version: { values: TEXTS, words: /--to needs a version|from source/ },
  place: { values: TEXTS, words: /--from needs a folder|from source/ },
  id: { values: TEXTS, good: "1" },
  user: { values: TEXTS, good: "123456789012345678" },
  name: { values: TEXTS },
  text: { values: TEXTS },
  part: { values: TEXTS },
  message: { values: TEXTS, good: "1400000000000000001" },
  target: { values: TEXTS, good: "help" },
  key: { values: TEXTS, good: "log.level" },
  value: { values: TEXTS, good: "info" },
  model: { values: TEXTS },
  amount: { values: TEXTS },
};

/** Commands with a test of their own, because right values begin something long. */
const ELSEWHERE = /^(?:demo|exec-broker|service (?:un)?install)$/;

const COMMANDS: readonly (readonly [name: string, command: CliCommand])[] = TASKS
  .flatMap(({ commands }) => Object.entries(commands))
  .flatMap(([name, one]) =>
    one.kind === "command"
      ? [[name, one] as const]
      : Object.entries(one.commands).map(([sub, command]) => [`${name} ${sub}`, command] as const)
  )
  .filter(([name]) => !ELSEWHERE.test(name));

function kindOf(option: CliOption, label: string): Kind | undefined {
  if (option.kind === "boolean" || option.kind === "counter") return undefined;
  if ("hidden" in option && option.hidden === true) return undefined;
  if (option.kind === "enum") {
    return { values: TEXTS, words: /is not one of/, good: option.values[0] };
  }
  const kind = KINDS[option.placeholder ?? ""];
  assert.ok(kind, `${label}: KINDS has no row for <${option.placeholder}>`);
  return kind;
}

interface Line {
  readonly label: string;
  readonly args: readonly string[];
  readonly words?: RegExp;
}

/** All command lines of a command that have one wrong value. */
function linesOf(
  name: string,
  { target: { parameters } }: CliCommand,
  given: Readonly<Record<string, string>>,
): readonly Line[] {
  const { flags = {}, positional } = parameters;
  const places = positional === undefined
    ? []
    : positional.kind === "array"
    ? [positional.parameter]
    : positional.parameters;
  const placeKinds = places.map(({ placeholder = "" }) => {
    const kind = KINDS[placeholder];
    assert.ok(kind, `${name}: KINDS has no row for <${placeholder}>`);
    return kind;
  });
  const needed = places.flatMap(({ optional }, index) =>
    optional === true ? [] : [placeKinds[index]?.good ?? ""]
  );
  const options = Object.entries(flags).map(([flag, option]) => {
    const isNeeded = option.kind !== "boolean" && option.optional !== true &&
      (!("default" in option) || option.default === undefined);
    const kind = kindOf(option, `${name} ${dashed(flag)}`);
    return { flag, kind, usual: isNeeded ? kind?.good : given[flag] };
  });
  const others = (but?: string) =>
    options.flatMap(({ flag, kind, usual }) =>
      kind === undefined || flag === but || usual === undefined ? [] : [`${dashed(flag)}=${usual}`]
    );
  const words = name.split(" ");
  return [
    ...placeKinds.flatMap((kind, index) =>
      kind.values.filter((value) => !value.startsWith("-")).map((value): Line => ({
        label: `${name} <${places[index]?.placeholder}> ${JSON.stringify(value.slice(0, 60))}`,
        args: [...words, ...others(), ...needed.slice(0, index), value, ...needed.slice(index + 1)],
        words: kind.words,
      }))
    ),
    ...options.flatMap(({ flag, kind }) =>
      (kind?.values ?? []).map((value): Line => ({
        label: `${name} ${dashed(flag)} ${JSON.stringify(value.slice(0, 60))}`,
        args: [...words, ...others(flag), `${dashed(flag)}=${value}`, ...needed],
        words: kind?.words,
      }))
    ),
  ];
}

/** Runs the lines in a process of its own, with nothing of this machine but the given folders. */
function outcomesOf(lines: readonly Line[], data: string, config: string): readonly Outcome[] {
  const file = at("lines.json");
  writeFileSync(file, JSON.stringify(lines.map(({ args }) => args)));
  const script = join(import.meta.dirname ?? ".", "../support/process/command_lines.ts");
  const run = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
  const { PATH, DENO_DIR } = process.env;
  const { stdout, stderr, status } = spawnSync(process.execPath, [...run, script, file], {
    cwd: folder.path,
    input: "",
    encoding: "utf8",
    maxBuffer: 256 * 2 ** 20,
    env: {
      PATH,
      ...(DENO_DIR !== undefined && { DENO_DIR }),
      HOME: folder.path,
      BARNACLE_DATA: data, // no bot of this machine is meant
      BARNACLE_CONFIG: config,
      DISCORD_API_URL: "http://127.0.0.1:9",
    },
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** What is wrong with an outcome. */
function faultOf({ words }: Line, { help }: CliCommand, { code, stdout, stderr }: Outcome) {
  const said = stdout + stderr;
  const codes = exitRows(help.exits).map(([known]) => known);
  if (typeof code === "string") return code;
  if (/internal error|^ +at \S+ \(|^ +at (?:file|async)/m.test(said)) return "shows a stack";
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(stderr)) return "has control characters";
  if (!codes.includes(code)) return `ends with ${code}, which its help does not list`;
  if (code !== 0 && said.trim() === "") return "says nothing";
  if (/: E[A-Z]{3,}\b/.test(stderr)) return "shows a code of the system in place of words";
  if (code === 2 && words && !words.test(said)) return `lacks the words ${words}`;
  return undefined;
}

describe("[O10] a wrong value of any option or argument ends in words, not in a stack", () => {
  // One process for all: on a busy machine, a process for each command takes minutes.
  const faults = new Map<string, string[]>();
  before(async () => {
    const data = createDataFixture({ channels: { discord: {} } });
    await data.fill(() => Promise.resolve());
    const all = COMMANDS.flatMap(([name, command]) =>
      linesOf(name, command, { data: data.data, config: data.config })
        .map((line) => ({ name, command, line }))
    );
    const outcomes = outcomesOf(all.map(({ line }) => line), data.data, data.config);
    for (const [index, { name, command, line }] of all.entries()) {
      const outcome = outcomes[index];
      const fault = outcome ? faultOf(line, command, outcome) : "did not run";
      const found = faults.get(name) ?? [];
      faults.set(name, found);
      const seen = JSON.stringify(outcome?.stderr.slice(0, 200));
      if (fault !== undefined) found.push(`${line.label}: ${fault}\n    ${seen}`);
    }
  });
  for (const [name] of COMMANDS) {
    it(name, () => {
      const found = faults.get(name) ?? [];
      assert.deepEqual(found, [], found.join("\n"));
    });
  }
});
