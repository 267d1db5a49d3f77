/**
 * Holds the program to its plan: imports follow a list, folders and files form no circle, and the
 * pure folders stay pure.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { filesIn, readSources, specifiersIn, staticImports } from "../scripts/import_graph.ts";

const ROOT = join(import.meta.dirname!, "..");
const SRC = "src/";

/** The folders each folder may import from, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  core: ["lib"],
  policy: ["core", "lib"],
  session: ["core", "lib"],
  render: ["core", "lib"],
  config: ["policy", "render", "core", "lib"],
  tools: ["account", "flows", "core"], // a tool loads its flow with its first call
  interactions: ["account", "flows", "config", "render", "core", "lib"],
  account: ["host", "render", "core", "lib"], // the one object, as types
  flows: [
    "account",
    "tools",
    "interactions",
    "policy",
    "session",
    "render",
    "config",
    "store",
    "discord/gateway",
    "discord/rest",
    "http",
    "host",
    "media",
    "pluralkit",
    "workspace",
    "version.ts",
    "core",
    "lib",
  ],
  store: ["core", "lib"],
  providers: ["core", "lib"],
  extract: ["core", "lib"],
  media: ["core", "lib"],
  pluralkit: ["core", "lib"],
  "discord/gateway": ["core", "lib"],
  "discord/rest": ["version.ts", "core", "lib"], // the two of Discord do not know each other
  http: ["core", "lib"],
  host: ["lib"],
  web: ["core", "lib"],
  workspace: ["core", "lib"],
  sandbox: ["lib"],
  exec: ["core", "lib"],
  mcp: ["host", "core", "lib"],
  simulator: ["core"], // a Discord of our own: it must not know the bot
  "worker.ts": ["discord/gateway"],
  "extract_worker.ts": ["extract"],
  "job_worker.ts": ["features", "web", "sandbox"],
  "log.ts": ["lib"],
  cli: [
    "bot.ts",
    "bot",
    "flows",
    "interactions",
    "discord/gateway",
    "discord/rest",
    "log.ts",
    "version.ts",
    "config",
    "policy",
    "render",
    "store",
    "providers",
    "http",
    "host",
    "core",
    "lib",
  ],
  features: [
    "account",
    "bot.ts",
    "bot",
    "cli",
    "flows",
    "interactions",
    "config",
    "policy",
    "render",
    "session",
    "store",
    "discord/gateway",
    "discord/rest",
    "providers",
    "http",
    "host",
    "media",
    "mcp",
    "tools",
    "web",
    "workspace",
    "exec",
    "sandbox",
    "simulator",
    "log.ts",
    "version.ts",
    "core",
    "lib",
  ],
  "main.ts": ["features", "cli", "sandbox", "host"],
};

/** The features that each feature may use. One that is not named uses none. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  backup: ["service"], // `restore` repairs the service of a machine
  catchup: ["schedules"], // reads times
  // Shows what their commands show, and changes the same rows.
  dashboard: ["access", "agent", "model", "why"],
  demo: ["voice"], // people with the same keys
  diagnose: ["alerts", "model"], // tests the webhook, and judges facts of models
  setup: ["delivery", "model", "service"], // tests the model, and greets
  upgrade: ["service"],
};

/** Places where the core asks for one feature by name; each wants a way of its own. */
const ASKED_BY_NAME: readonly string[] = [
  "src/cli/run/run.ts → setup", // a start without a config
  "src/store/inbox/inbox.ts → hooks", // events of a server are stored with its messages (T1)
];

/** The files of the core that use the list of features. */
const USE_THE_LIST: readonly string[] = [
  "src/config/load.ts",
  "src/config/schema/root.ts",
  "src/interactions/registry.ts",
  "src/job_worker.ts",
  "src/store/schema/tables.ts",
  "src/store/store.ts",
  "src/tools/registry.ts",
];

/** Folders in which nothing may touch the world, by a package or by a word. */
const PURE = [
  "lib",
  "core",
  "policy",
  "session",
  "render",
  "config",
  "interactions",
  "flows",
];
/** Features that only work in turns: their files are as pure, but for those of the command line. */
const PURE_FEATURES = ["catchup", "exec", "notes", "schedules"];
const PURE_PACKAGES = [
  "zod",
  "jsonc-parser",
  "fastest-levenshtein",
  "get-east-asian-width",
  "entities/decode", // the characters that entities stand for
  "re2js",
  "node:crypto", // for its hashes
  "node:net", // for its address ranges; a socket would be an impure word
  "node:util", // for its comparison
  "@humanwhocodes/momoa",
  "croner", // computes times; without a function to call, it has no timer
];
const IMPURE_WORDS =
  /\b(?:createServer|createConnection\(|Socket\(|Date\.now|performance\.|setTimeout|setInterval|new Date\(\)|Math\.random|crypto\.|random(?:Bytes|Int|UUID)\b|fetch\(|process\.|Deno\.|Bun\.)/;

/** The real timer, which everything pure is handed. */
const TIMER = "src/lib/clock.ts";

const sources = readSources(ROOT, ["src", "simulator"]);

/** Folders of tests whose subject is more than one folder of the program, or none of it. */
const OF_THE_WHOLE = "chaos docs e2e packaging release scripts security simulator".split(" ");

/** The files whose code a file loads with its own. */
function codeOf({ path, text }: { readonly path: string; readonly text: string }): string[] {
  return staticImports(text).filter((one) => one.startsWith(".") && /\.tsx?$/.test(one))
    .map((one) => join(dirname(path), one));
}

/** Those that it loads later. */
function lazyOf({ path, text }: { readonly path: string; readonly text: string }): string[] {
  return Array.from(
    text.matchAll(/\bawait import\(\s*"(\.[^"]+)"/g),
    ([, one = ""]) => join(dirname(path), one),
  );
}

describe("the program", () => {
  it("has no folder and no file at its top that the table forgot", () => {
    const known = new Set([...Object.keys(MAY_IMPORT), "bot.ts", "bot", "version.ts"]);
    assert.deepEqual(sources.map(({ path }) => folderOf(path)).filter((it) => !known.has(it)), []);
  });

  it("has every folder and file of the table", () => {
    const found = new Set(sources.map(({ path }) => folderOf(path)));
    const named = Object.entries(MAY_IMPORT).flatMap(([folder, below]) => [folder, ...below]);
    assert.deepEqual(named.filter((one) => !found.has(one)), []);
  });

  it("has the same table as a list in docs/internals/architecture.md", () => {
    const page = readFileSync(join(ROOT, "docs", "internals", "architecture.md"), "utf8");
    const rows = Array.from(
      page.matchAll(/^- `([^`]+)` \((?:pure|list|edge|entry|commands)\):\s+(.+(?:\n {2}.+)*)$/gm),
      ([, folder = "", targets = ""]): [string, readonly string[]] => [
        folder,
        Array.from(targets.matchAll(/`([^`]+)`/g), ([, target = ""]) => target).sort(),
      ],
    );
    const table = Object.entries(MAY_IMPORT).map(([folder, below]) => [folder, below.toSorted()]);
    assert.deepEqual(Object.fromEntries(rows), Object.fromEntries(table));
  });

  for (
    const page of [
      "docs/internals/architecture.md",
      "docs/internals/glossary.md",
      "CONTRIBUTING.md",
    ]
  ) {
    it(`has each file that ${page} names`, () => {
      const paths = ["src", "simulator", "tests", "scripts", "bench"].flatMap((top) =>
        filesIn(ROOT, top)
      );
      const named = readFileSync(join(ROOT, page), "utf8").matchAll(/`((?:\w+\/)*\w+\.ts)`/g);
      const missing = Array.from(named, ([, name = ""]) => name)
        .filter((name) => !paths.some((path) => path === name || path.endsWith(`/${name}`)));
      assert.deepEqual(missing, []);
    });
  }

  it("has each name that the recipes of CONTRIBUTING.md import", () => {
    const code = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8")
      .matchAll(/import (?:type )?\{([^}]*)\} from "\.\.\/(?:\.\.\/)?([^"]+)";/g);
    const missing = Array.from(code).flatMap(([line, names = "", path = ""]) => {
      const from = line.includes('"../../') ? path : `features/${path}`;
      const text = readFileSync(join(ROOT, SRC, from), "utf8");
      return names.split(",").map((name) => name.replace("type ", "").trim())
        .filter((name) => !new RegExp(`^export .*\\b${name}\\b`, "m").test(text))
        .map((name) => `${name} of ${from}`);
    });
    assert.deepEqual(missing, []);
  });

  it("knows features by their list alone", () => {
    const asked = sources.filter((one) => featureOf(one.path) === undefined && !isList(one.path))
      .flatMap((one) =>
        codeOf(one).concat(lazyOf(one))
          .flatMap((target) => isList(target) ? ["the list"] : featureOf(target) ?? [])
          .map((target) => `${one.path} → ${target}`)
      );
    const users = USE_THE_LIST.map((path) => `${path} → the list`);
    assert.deepEqual([...new Set(asked)].toSorted(), [...ASKED_BY_NAME, ...users].toSorted());
  });

  it("has its tests in folders of its own names, beside those of the whole", () => {
    const names = filesIn(ROOT, "src").map((path) => path.replace(/\.tsx?$/, "/"));
    const lost = filesIn(ROOT, "tests").filter((path) => path.endsWith("_test.ts"))
      .filter((path) => !OF_THE_WHOLE.includes(path.split("/")[1] ?? ""))
      .map((path) => dirname(path).replace("tests", "src"))
      .filter((folder) => !names.some((name) => name.startsWith(`${folder}/`)));
    assert.deepEqual([...new Set(lost)], []);
  });

  it("has features that use those of the table, and no others", () => {
    const used = new Map<string, Set<string>>();
    for (const one of sources) {
      const own = featureOf(one.path);
      if (own === undefined) continue;
      for (const other of codeOf(one).concat(lazyOf(one)).map(featureOf)) {
        if (other === undefined || other === own) continue;
        used.set(own, (used.get(own) ?? new Set()).add(other));
      }
    }
    const sorted = Array.from(used, ([own, others]) => [own, [...others].toSorted()]);
    assert.deepEqual(Object.fromEntries(sorted), MAY_USE);
  });

  it("has no circle of code between files: a type is no code, and a lazy import comes later", () => {
    assert.deepEqual(circlesIn(new Map(sources.map((one) => [one.path, codeOf(one)]))), []);
  });

  it("has no import circle between folders", () => {
    const graph = new Map<string, string[]>();
    for (const one of sources) {
      const own = ownFolderOf(one.path);
      const others = codeOf(one).filter((target) => !isList(target)).map(ownFolderOf).filter((
        other,
      ) => other !== own);
      graph.set(own, [...(graph.get(own) ?? []), ...others]);
    }
    assert.deepEqual(circlesIn(graph), []);
  });

  for (const { path, text, specifiers } of sources) {
    const folder = folderOf(path);
    const allowed = MAY_IMPORT[folder];
    if (!allowed) continue; // bot.ts joins the parts
    const isHole = (target: string) =>
      ASKED_BY_NAME.includes(`${path} → ${featureOf(target)}`) ||
      isList(target) && USE_THE_LIST.includes(path);

    it(`${path} imports only from below`, () => {
      const wrong = codeOf({ path, text }).concat(lazyOf({ path, text }))
        .filter((target) => !isHole(target))
        .map(folderOf)
        .filter((target) => target !== folder && !allowed.includes(target));
      assert.deepEqual(wrong, []);
    });

    const isPure = PURE.includes(folder) ||
      PURE_FEATURES.includes(featureOf(path) ?? "") && !path.endsWith("/cli.ts");
    if (!isPure) continue;
    it(`${path} uses only its allowed outside modules`, () => {
      const packages = specifiers.filter((target) =>
        !target.startsWith(".") && !PURE_PACKAGES.includes(target)
      );
      assert.deepEqual(packages, []);
      if (path !== TIMER) assert.doesNotMatch(withoutComments(text), IMPURE_WORDS);
    });
  }
});

it("circlesIn() › finds circles, and nothing else", () => {
  const graph = new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b", "d"]], ["d", []], ["e", ["e"]]]);
  assert.deepEqual(circlesIn(graph), [["b", "c"], ["e"]]);
});

describe("specifiersIn()", () => {
  const cases: readonly (readonly [text: string, expected: readonly string[]])[] = [
    ['import { a } from "./a.ts";', ["./a.ts"]],
    ['import type {\n  A,\n  B,\n} from "./a.ts";', ["./a.ts"]],
    ['export * from "./a.ts";', ["./a.ts"]],
    ['import "./a.ts";\nimport { b } from "./b.ts";', ["./a.ts", "./b.ts"]],
    ['type A = import("./a.ts").A;', ["./a.ts"]],
    ['const a = () =>\n  import(\n    "./a.ts"\n  );', ["./a.ts"]],
    ['export const a = "from";\nconst b = "./b.ts";', []],
  ];
  for (const [text, expected] of cases) {
    it(`finds ${expected.length} in ${JSON.stringify(text)}`, () => {
      assert.deepEqual(specifiersIn(text), expected);
    });
  }
});

describe("withoutComments()", () => {
  const cases: readonly (readonly [text: string, expected: string])[] = [
    ["a(); // b()", "a(); "],
    ["/** b() */ a();", " a();"],
    ['a("https://x", b());', 'a("https://x", b());'],
    ["a(`https://x`, b());", "a(`https://x`, b());"],
    ['a("\\"//", b()); // c()', 'a("\\"//", b()); '],
  ];
  for (const [text, expected] of cases) {
    it(`leaves ${JSON.stringify(expected)}`, () => assert.equal(withoutComments(text), expected));
  }
});

/** The first folder of a path below `src/`, the first two in `discord/`; a file is its own. */
function folderOf(path: string): string {
  if (!path.startsWith(SRC)) return path.split("/")[0]!;
  const [first, second] = path.slice(SRC.length).split("/");
  return first === "discord" ? `${first}/${second}` : first!;
}

/** The feature that a file belongs to; `undefined` for the rest, and for the lists. */
function featureOf(path: string): string | undefined {
  return /^src\/features\/([^/]+)\//.exec(path)?.[1];
}

/** Whether a file is one of the lists beside the features. */
function isList(path: string): boolean {
  return /^src\/features\/\w+\.ts$/.test(path);
}

/** The folder that a file is in; a file at the top counts as a folder. */
function ownFolderOf(path: string): string {
  const folder = dirname(path);
  return folder === "src" ? path : folder;
}

/** Groups of names that lead to each other, by Tarjan's algorithm. */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const numbers = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (name: string): number => {
    numbers.set(name, numbers.size);
    let low = numbers.size - 1;
    stack.push(name);
    for (const next of graph.get(name) ?? []) {
      if (!numbers.has(next)) low = Math.min(low, visit(next));
      else if (stack.includes(next)) low = Math.min(low, numbers.get(next)!);
    }
    if (low !== numbers.get(name)) return low;
    const circle = stack.splice(stack.indexOf(name));
    const isCircle = circle.length > 1 || (graph.get(name) ?? []).includes(name);
    if (isCircle) circles.push(circle.sort());
    return low;
  };
  for (const name of graph.keys()) if (!numbers.has(name)) visit(name);
  return circles.sort();
}

/** A source without its comments; `//` within a string begins none. */
function withoutComments(text: string): string {
  return text.replace(
    /("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/.*$/gm,
    (_, literal: string | undefined) => literal ?? "",
  );
}
