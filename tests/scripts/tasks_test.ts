/**
 * Tests the tasks of `deno.json`: what a fresh clone downloads for them.
 */

import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { HOMEPAGE } from "../../src/version.ts";
import { readSources } from "../../scripts/import_graph.ts";
import { sidebarOf, withOuterLinks } from "../../scripts/site.ts";

interface Task {
  readonly command: string;
  readonly dependencies?: readonly string[];
}

const ROOT = join(import.meta.dirname ?? ".", "..", "..");

const { nodeModulesDir, tasks, imports }: {
  readonly nodeModulesDir: string;
  readonly tasks: Readonly<Record<string, string | Task>>;
  readonly imports: Readonly<Record<string, string>>;
} = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));

const taskOf = (name: string): Task => {
  const task = tasks[name] ?? "";
  return typeof task === "string" ? { command: task } : task;
};

/** A file, or all text files below a folder, by their paths from the root. */
function filesBelow(path: string): readonly string[] {
  if (!statSync(join(ROOT, path)).isDirectory()) return [path];
  return readdirSync(join(ROOT, path), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:ts|md|yml|sh)$/.test(name)).map((name) => join(path, name));
}

/** Files that a person runs with `deno task demo`. */
const PROGRAM = readSources(ROOT, ["src", "simulator"]);

describe("[O5] the tasks of deno.json", () => {
  it("install only packages of the program for the demo", () => {
    // With "auto", Deno installs every package before any task: Bun alone has 200 MB.
    assert.equal(nodeModulesDir, "manual");
    assert.deepEqual(taskOf("demo").dependencies, ["install:demo"]);
    const { command } = taskOf("install:demo");
    for (const part of ["--unstable-npm-lazy-caching", "--node-modules-dir=auto", "--entrypoint"]) {
      assert.ok(command.includes(part), part);
    }
    for (const large of ["bun", "discord.js", "playwright-core"]) {
      const users = PROGRAM.filter(({ specifiers }) => specifiers.includes(large));
      assert.deepEqual(users.map(({ path }) => path), []);
    }
  });

  it("name for the demo each package that the program imports by its path", () => {
    const byPath = PROGRAM.flatMap(({ specifiers }) => specifiers)
      .flatMap((specifier) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(specifier)?.[1] ?? []);
    assert.ok(byPath.length > 0);
    const named = taskOf("install:demo").command.split(" ").filter((part) =>
      part.startsWith("npm:")
    );
    assert.deepEqual(named, [...new Set(byPath)].map((name) => imports[name]));
  });

  it("name for the demo each file of the program that a thread of its own runs", () => {
    const threads = readdirSync(join(ROOT, "src")).filter((name) => name.endsWith("worker.ts"));
    assert.ok(threads.length > 0);
    const entrypoints = taskOf("install:demo").command.split(" ")
      .filter((part) => part.startsWith("src/"));
    assert.deepEqual(
      entrypoints.toSorted(),
      ["main.ts", ...threads].map((name) => `src/${name}`).toSorted(),
    );
  });

  it("install everything for each other task", () => {
    const others = Object.keys(tasks).filter((name) => !/^install|^demo$/.test(name));
    const without = others.filter((name) => !taskOf(name).dependencies?.includes("install"));
    assert.deepEqual(without, ["test", "test:all"], "scripts/test.ts installs as a step");
  });

  it("run scripts that exist, as do workflows, pages and the scripts themselves", () => {
    const pages = ["README.md", "CONTRIBUTING.md", "deno.json", ".github/workflows", "docs"];
    const files = [...pages, "scripts", "tests"].flatMap((path) => filesBelow(path));
    const named = files.flatMap((file) =>
      Array.from(
        readFileSync(join(ROOT, file), "utf8").matchAll(
          /(?<![\w./-])scripts\/[\w./-]+\.(?:ts|sh)\b/g,
        ),
        ([path]) => path,
      )
    );
    assert.ok(named.includes("scripts/release/pack/image.ts"));
    assert.deepEqual([...new Set(named)].filter((path) => !existsSync(join(ROOT, path))), []);
  });

  it("import no package before scripts/test.ts has installed it", () => {
    const byPath = new Map(
      readSources(ROOT, ["scripts", "src", "simulator"]).map((source) => [source.path, source]),
    );
    const reached = new Set(["scripts/test.ts"]);
    for (const path of reached) {
      const { specifiers = [], imports: files = [] } = byPath.get(path) ?? {};
      const packages = specifiers.filter((one) => /^(?!node:)[@a-z]/.test(one));
      assert.deepEqual(packages, [], path);
      for (const file of files) reached.add(file);
    }
    assert.ok(reached.size > 3);
  });
});

describe("the site of docs/", () => {
  it("links files outside of docs/ at the repository, and leaves other links", () => {
    const out = `[a](${HOMEPAGE}/blob/main`;
    for (
      const [path, link, expected] of [
        ["agent.md", "[a](../examples/a.jsonc)", `${out}/examples/a.jsonc)`],
        ["internals/releases.md", "[a](../../NOTICE#b)", `${out}/NOTICE#b)`],
        ["internals/releases.md", "[a](../stability.md#b)", "[a](../stability.md#b)"],
        ["agent.md", "[a](access.md)", "[a](access.md)"],
        ["agent.md", "[a](https://example.org/a)", "[a](https://example.org/a)"],
      ] as const
    ) assert.equal(withOuterLinks(link, path), expected);
  });

  it("has each page in its navigation, once", () => {
    const pages = globSync("**/*.md", { cwd: join(import.meta.dirname!, "..", "..", "docs") });
    const links = sidebarOf(pages, (page) => page).flatMap(({ items }) => items)
      .map(({ link }) => `${link.slice(1)}.md`);
    assert.deepEqual(links.toSorted(), pages.toSorted());
  });
});
