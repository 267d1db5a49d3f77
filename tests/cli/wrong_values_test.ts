/**
 * Gives each option and argument of each command its wrong values, and reads the words that a person
 * sees. The commands come from the table of the program. A new kind of value needs a row in
 * {@link KINDS}, and a command that is left out stands in {@link ELSEWHERE}.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { allTasks } from "../../src/cli/tasks.ts";
import { FEATURES } from "../../src/features/features.ts";
import type { CliCommand, CliOption } from "../../src/cli/help/command_help.ts";
import { dashed } from "../../src/cli/help/wrong_command.ts";
import { EXIT, exitRows } from "../../src/cli/shared/exit_code.ts";
import { once } from "../../src/lib/cache.ts";
import { cases } from "../support/long_form.ts";
import type { Outcome } from "../support/process/command_lines.ts";
import { tempDirectory } from "../support/temp_directory.ts";
import { createDataFixture, removeDataFixtures } from "./data_fixture.ts";

const TASKS = await allTasks(FEATURES);

after(removeDataFixtures);

interface Kind {
  readonly values: readonly string[];
  /** Whether each value is wrong usage for every command; else some commands take some of them. */
  readonly isUsage?: true;
  /** A value of the right form, beside wrong values of other options. */
  readonly good?: string;
}

const CONTROL = "a\u001b]0;t\u0007b";
const NUMBERS: Kind = {
  values: ["", "abc", "-1", "1e309", "NaN", "9".repeat(400), "1.5x", "0x", CONTROL],
  isUsage: true,
  good: "1",
};
const TEXTS = ["", "nonsense", CONTROL, "x".repeat(5_000), "__proto__", "-1", "9".repeat(400)];
const text = (good?: string): Kind => ({ values: TEXTS, good });

const folder = tempDirectory();
after(() => folder[Symbol.dispose]());
const at = (name: string) => join(folder.path, name);
mkdirSync(at("folder"));
writeFileSync(at("empty"), "");
writeFileSync(at("binary"), Uint8Array.from({ length: 4_000 }, (_, index) => (index * 37) % 256));
symlinkSync(at("loop"), at("loop"));
/** Values of the options that every command has. */
const COMMON_PATHS = ["", at("empty"), at("loop")];
const PATHS: Kind = {
  values: [
    ...COMMON_PATHS,
    at("missing"),
    at("folder"),
    at("binary"),
    at("empty/below"),
    `/${"x".repeat(300)}`,
    at(CONTROL),
    ...process.platform === "linux" ? ["/dev/zero", "/proc/self/mem"] : [],
  ],
  good: at("missing"),
};

/** Kinds by the placeholder of the help texts. */
const KINDS: Readonly<Record<string, Kind>> = {
  path: PATHS,
  "backup file": PATHS,
  file: PATHS,
  number: NUMBERS,
  minutes: NUMBERS,
  seconds: NUMBERS,
  code: text("K7XQ2MPR"),
  "link or id": text("1400000000000000001"),
  session: text("main"),
  time: text(),
  role: text(),
  channel: text("dm"),
  agent: text(),
  server: text("files"),
  version: text(),
  place: text(),
  id: text("1"),
  user: text("123456789012345678"),
  name: text(),
  text: text(),
  part: text(),
  message: text("1400000000000000001"),
  target: text("help"),
  key: text("log.level"),
  value: text("info"),
  input: text("{}"),
  model: text(),
  amount: text(),
};

/** Of so many lines, the short form runs one: each command then still meets most kinds of values. */
const OF_LINES = 4 / cases(1, 4);

/** Commands with tests of their own, because right values begin something long or lasting. */
const ELSEWHERE: readonly string[] = ["demo", "service install", "service uninstall"];

const ALL: readonly (readonly [name: string, command: CliCommand])[] = TASKS
  .flatMap(({ commands }) => Object.entries(commands))
  .flatMap(([name, one]) =>
    one.kind === "command"
      ? [[name, one] as const]
      : Object.entries(one.commands).map(([sub, command]) => [`${name} ${sub}`, command] as const)
  );
const COMMANDS = ALL.filter(([name]) => !ELSEWHERE.includes(name));

function kindOf(placeholder: string, label: string): Kind {
  const kind = KINDS[placeholder];
  assert.ok(kind, `${label}: KINDS has no row for <${placeholder}>`);
  return kind;
}

function kindOfOption(option: CliOption, flag: string, label: string): Kind | undefined {
  if (option.kind === "boolean" || option.kind === "counter") return undefined;
  if ("hidden" in option && option.hidden === true) return undefined;
  if (option.kind === "enum") return { values: TEXTS, isUsage: true, good: option.values[0] };
  if (flag === "config" || flag === "data") return { values: COMMON_PATHS };
  return kindOf(option.placeholder ?? "", label);
}

interface Line {
  readonly label: string;
  readonly args: readonly string[];
  /** Whether the value must be wrong usage. */
  readonly isUsage: boolean;
}

/** All command lines of a command that have one wrong value. */
function linesOf(
  [name, { target: { parameters } }]: (typeof ALL)[number],
  given: Readonly<Record<string, string>>,
): readonly Line[] {
  const { flags = {}, positional } = parameters;
  const places = positional === undefined
    ? []
    : positional.kind === "array"
    ? [positional.parameter]
    : positional.parameters;
  const placeKinds = places.map(({ placeholder = "" }) => kindOf(placeholder, name));
  const needed = places.flatMap(({ optional }, index) =>
    optional === true ? [] : [placeKinds[index]?.good ?? ""]
  );
  const options = Object.entries(flags).map(([flag, option]) => {
    const isNeeded = option.kind !== "boolean" && option.optional !== true &&
      (!("default" in option) || option.default === undefined);
    const kind = kindOfOption(option, flag, `${name} ${dashed(flag)}`);
    return { flag, kind, usual: isNeeded ? kind?.good : given[flag] };
  });
  const others = (but?: string) =>
    options.flatMap(({ flag, kind, usual }) =>
      kind === undefined || flag === but || usual === undefined ? [] : [`${dashed(flag)}=${usual}`]
    );
  const words = name.split(" ");
  const lineOf = (what: string, value: string, { isUsage }: Kind, args: string[]): Line => ({
    label: `${name} ${what} ${JSON.stringify(value.slice(0, 60))}`,
    args: [...words, ...args],
    isUsage: isUsage === true || value === "" && what.startsWith("--") && /config|data/.test(what),
  });
  return [
    ...placeKinds.flatMap((kind, index) =>
      kind.values.filter((value) => !value.startsWith("-")).map((value) =>
        lineOf(`<${places[index]?.placeholder}>`, value, kind, [
          ...others(),
          ...needed.slice(0, index),
          value,
          ...needed.slice(index + 1),
        ])
      )
    ),
    ...options.flatMap(({ flag, kind }) =>
      kind === undefined ? [] : kind.values.map((value) =>
        lineOf(dashed(flag), value, kind, [
          ...others(flag),
          ...value === "" ? [dashed(flag), ""] : [`${dashed(flag)}=${value}`],
          ...needed,
        ])
      )
    ),
  ];
}

/** Runs the lines in a process of its own, with nothing of this machine but the given folders. */
function outcomesOf(lines: readonly Line[], data: string, config: string): readonly Outcome[] {
  const file = at("lines.json");
  writeFileSync(file, JSON.stringify(lines.map(({ args }) => args)));
  const script = join(import.meta.dirname ?? ".", "../support/process/command_lines.ts");
  const run = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
  const { PATH, DENO_DIR, HOME = "" } = process.env;
  const { stdout, stderr, status } = spawnSync(process.execPath, [...run, script, file], {
    cwd: folder.path,
    input: "",
    encoding: "utf8",
    maxBuffer: 256 * 2 ** 20,
    env: {
      PATH,
      DENO_DIR: DENO_DIR ?? join(HOME, ".cache", "deno"),
      HOME: folder.path,
      BARNACLE_DATA: data, // no bot of this machine is meant
      BARNACLE_CONFIG: config,
      DISCORD_API_URL: "http://127.0.0.1:9",
    },
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** The fault of an outcome, in words; `undefined` if there is none. */
function faultOf(
  { isUsage }: Line,
  { help }: CliCommand,
  { code, stdout, stderr }: Outcome,
): string | undefined {
  const said = stdout + stderr;
  const codes = exitRows(help.exits).map(([known]) => known);
  if (typeof code === "string") return code;
  if (/internal error|^ +at \S+ \(|^ +at (?:file|async)/m.test(said)) return "shows a stack";
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(stderr)) return "has control characters";
  if (!codes.includes(code)) return `ends with ${code}, which its help does not list`;
  if (isUsage && code !== EXIT.usage) return `ends with ${code}, not with ${EXIT.usage}`;
  if (code === EXIT.usage && !/^barnacle: \S+ \S+ \S+/m.test(stderr)) return "has no sentence";
  if (code !== EXIT.done && (said.match(/[a-z]{2,}/g) ?? []).length < 4) return "says nothing";
  if (/[: (]E[A-Z]{3,}\b/.test(stderr)) return "shows a code of the system in place of words";
  if (/\{"\w/.test(stderr)) return "shows JSON of the log";
  return undefined;
}

describe("[O10] a wrong value of any option or argument ends in words, not in a stack", () => {
  // One process for all: on a busy machine, a process for each command takes minutes.
  const faultsByCommand = once(async () => {
    const data = createDataFixture({ channels: { discord: {} } });
    await data.fill(() => Promise.resolve());
    const all = COMMANDS.flatMap((one) =>
      linesOf(one, { data: data.data, config: data.config }).map((line) => ({ one, line }))
    ).filter((_, index) => index % OF_LINES === 0);
    const outcomes = outcomesOf(all.map(({ line }) => line), data.data, data.config);
    const faults = new Map<string, string[]>(COMMANDS.map(([name]) => [name, []]));
    for (const [index, { one: [name, command], line }] of all.entries()) {
      const outcome = outcomes[index];
      const fault = outcome ? faultOf(line, command, outcome) : "did not run";
      const seen = JSON.stringify(outcome?.stderr.slice(0, 200));
      if (fault !== undefined) faults.get(name)?.push(`${line.label}: ${fault}\n    ${seen}`);
    }
    return faults;
  });

  it("leaves out only commands that exist", () => {
    const names = ALL.map(([name]) => name);
    assert.deepEqual(ELSEWHERE.filter((name) => !names.includes(name)), []);
  });

  for (const [name] of COMMANDS) {
    it(name, async () => {
      const found = (await faultsByCommand()).get(name);
      assert.deepEqual(found, [], found?.join("\n"));
    });
  }
});
