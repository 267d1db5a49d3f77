/**
 * Holds `src/` to its plan: imports point down, and the pure folders stay pure.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { describe, it } from "node:test";

const SRC = join(import.meta.dirname!, "..", "src");

/** The folders each folder may import from, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  core: ["lib"],
  policy: ["core", "lib"],
  session: ["core"],
  render: ["core", "lib"],
  config: ["policy", "render", "core", "lib"],
  agent: ["core", "lib"],
  flows: ["agent", "policy", "session", "render", "core", "lib"],
  store: ["core", "lib"],
  providers: ["core"],
  pluralkit: ["core", "lib"],
  "discord/gateway": ["core", "lib"],
  "discord/rest": ["core", "lib"], // the two of Discord do not know each other
  http: ["core", "lib"],
  host: ["lib"],
  simulator: ["core"], // a Discord of our own: it must not know the bot
  "worker.ts": ["discord/gateway"],
  "log.ts": ["lib"],
  cli: [
    "bot.ts",
    "bot",
    "flows",
    "discord/gateway",
    "log.ts",
    "version.ts",
    "simulator",
    "config",
    "policy", // `why` and `access` ask it themselves
    "render",
    "store",
    "discord/rest",
    "providers",
    "http",
    "host",
    "core",
    "lib",
  ],
  "main.ts": ["cli"],
};

/** Folders in which nothing may touch the world, by a package or by a word. */
const PURE = ["lib", "core", "policy", "session", "render", "config", "agent", "flows"];
const PURE_PACKAGES = [
  "zod",
  "jsonc-parser",
  "fastest-levenshtein",
  "get-east-asian-width",
  "re2js",
  "node:crypto", // for its hashes
  "node:util", // for its comparison
  "@humanwhocodes/momoa",
];
const IMPURE_WORDS =
  /\b(?:Date\.now|performance\.|setTimeout|setInterval|new Date\(\)|Math\.random|crypto\.|random(?:Bytes|Int|UUID)\b|fetch\(|process\.|Deno\.|Bun\.)/;

/** The real timer, which everything pure is handed. */
const TIMER = "lib/schedule.ts";

/** By path, since Bun puts a shim in the place of the bare name (`../node_modules` from `src/`). */
const REAL_WS = ["wrapper.mjs", "lib/receiver.js", "lib/sender.js"]
  .map((file) => join("..", "node_modules", "ws", file));

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => ({
    path: path.split(sep).join("/"),
    text: readFileSync(join(SRC, path), "utf8"),
  }));

describe("src/", () => {
  it("has no folder and no file at its top that the table forgot", () => {
    const known = new Set([...Object.keys(MAY_IMPORT), "bot.ts", "bot", "version.ts"]);
    assert.deepEqual(files.map(({ path }) => folderOf(path)).filter((one) => !known.has(one)), []);
  });

  it("has all that the table speaks of", () => {
    const found = new Set(files.map(({ path }) => folderOf(path)));
    const named = Object.entries(MAY_IMPORT).flatMap(([folder, below]) => [folder, ...below]);
    assert.deepEqual(named.filter((one) => !found.has(one)), []);
  });

  for (const { path, text } of files) {
    const folder = folderOf(path);
    const allowed = MAY_IMPORT[folder];
    if (!allowed) continue; // bot.ts joins the parts

    it(`${path} imports only from below`, () => {
      const wrong = importsOf(text)
        .filter((target) => target.startsWith("."))
        .map((target) => relative(SRC, join(SRC, dirname(path), target)))
        .filter((target) => !REAL_WS.includes(target))
        .map((target) => folderOf(target.split(sep).join("/")))
        .filter((target) => target !== folder && !allowed.includes(target));
      assert.deepEqual(wrong, []);
    });

    if (!PURE.includes(folder)) continue;
    it(`${path} touches nothing outside`, () => {
      const packages = importsOf(text).filter((target) =>
        !target.startsWith(".") && !PURE_PACKAGES.includes(target)
      );
      assert.deepEqual(packages, []);
      if (path !== TIMER) assert.doesNotMatch(withoutComments(text), IMPURE_WORDS);
    });
  }
});

/** The first folder of a path under `src/`, the first two in `discord/`; a file is its own. */
function folderOf(path: string): string {
  const [first, second] = path.split("/");
  return first === "discord" ? `${first}/${second}` : first!;
}

function importsOf(text: string): string[] {
  return Array.from(
    text.matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)"|\bimport\("([^"]+)"\)/gm),
    ([, from, lazy]) => (from ?? lazy)!,
  );
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
}
