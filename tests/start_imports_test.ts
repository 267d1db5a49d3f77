/**
 * Holds the start to the code that it needs: an IDENTIFY leaves before turns, tools and commands are
 * loaded. The test counts modules and no times.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { filesLoadedWith } from "../scripts/packages.ts";
import {
  AFTER_IDENTIFY,
  BEFORE_IDENTIFY,
  loadedBy,
  readSources,
  staticImports,
} from "../scripts/import_graph.ts";

const ROOT = join(import.meta.dirname!, "..");

/** Single modules, without imports of weight, of parts that a start does not load otherwise. */
const SMALL: ReadonlySet<string> = new Set([
  "src/extract/extractor.ts",
  "src/media/folder.ts",
  "src/sandbox/job_argument.ts",
]);

const sources = new Map(readSources(ROOT, ["src"]).map((source) => [source.path, source]));

const before = loadedBy(BEFORE_IDENTIFY, sources);
const after = new Set([...loadedBy(AFTER_IDENTIFY, sources)].filter((path) => !before.has(path)));

function packagesOf(paths: Iterable<string>): readonly string[] {
  return [...paths].filter((path) =>
    !path.startsWith("src/") && !path.startsWith("node:") && path !== "deno.json"
  ).sort();
}

/** Modules of the runtime that take 0.5 to 5 ms each to load. */
const HEAVY_BUILTINS = [
  "node:child_process",
  "node:dns/promises",
  "node:http",
  "node:https",
  "node:readline",
  "node:stream/promises",
  "node:tls",
  "node:zlib",
];

describe("[B9] the modules of a start", () => {
  it("are found: each root exists, and types alone load nothing", () => {
    for (const root of [...BEFORE_IDENTIFY, ...AFTER_IDENTIFY]) assert.ok(sources.has(root), root);
    assert.deepEqual(
      staticImports(
        'import type { A } from "./a.ts";\nimport { type B } from "./b.ts";\n' +
          'import {\n  type C,\n  d,\n} from "./c.ts";\nimport "./e.ts";\nexport * from "./f.ts";\n' +
          'const lazy = await import("./g.ts");\nexport type { H } from "./h.ts";\n',
      ),
      ["./c.ts", "./e.ts", "./f.ts"],
    );
  });

  it("load these packages and no others before the IDENTIFY", () => {
    assert.deepEqual(packagesOf(before), [
      "@discordeno/types",
      "@stricli/core",
      "fastest-levenshtein",
      "jsonc-parser",
      "zod",
    ]);
  });

  for (
    const part of [
      "src/bot/inbound/",
      "src/discord/gateway/decode/",
      "src/exec/",
      "src/extract/",
      "src/flows/deliver/",
      "src/flows/inbound/",
      "src/flows/interactions/",
      "src/flows/turn/",
      "src/interactions/",
      "src/mcp/",
      "src/media/",
      "src/pluralkit/",
      "src/render/markdown/",
      "src/sandbox/",
      "src/simulator/",
      "src/tools/",
      "src/web/",
    ]
  ) {
    it(`load nothing of ${part} before the IDENTIFY`, () => {
      const found = [...before].filter((path) => path.startsWith(part) && !SMALL.has(path));
      assert.deepEqual(found, []);
    });
  }

  it("load these packages and no others after the IDENTIFY, and no document library", () => {
    assert.deepEqual(packagesOf(after), ["entities/decode", "get-east-asian-width"]);
  });

  it("load no module of the runtime that takes milliseconds, also within the binary's chunks", () => {
    const files = [...filesLoadedWith([...BEFORE_IDENTIFY, ...AFTER_IDENTIFY])];
    assert.ok(files.length > before.size / 2 && files.length > 300, `${files.length} files`);
    const found = files.flatMap((path) =>
      staticImports(readFileSync(join(ROOT, path), "utf8"))
        .filter((name) => HEAVY_BUILTINS.includes(name))
        .map((name) => `${path}: ${name}`)
    );
    assert.deepEqual(found, []);
  });

  it("build few schemas, each of which takes 10 µs and 3 kB: others wait for their first use", async () => {
    const steps = [BEFORE_IDENTIFY, AFTER_IDENTIFY];
    const urls = steps.flat().filter((path) => path !== "src/main.ts").map((path) =>
      pathToFileURL(join(ROOT, path)).href
    );
    const thread = new Worker(new URL("./support/process/count_schemas.ts", import.meta.url), {
      workerData: urls,
    });
    const [counts]: number[][] = await once(thread, "message");
    await thread.terminate();
    const sum = (from: number, to?: number) => counts?.slice(from, to).reduce((a, b) => a + b) ?? 0;
    const first = BEFORE_IDENTIFY.length - 1;
    const [before, after] = [sum(0, first), sum(first)];
    assert.ok(before > 300 && before <= 480, `${before} before the IDENTIFY`);
    assert.ok(after > 200 && after <= 340, `${after} after it`);
  });

  it("load no model's wire before a model is asked", () => {
    const wires = [...before, ...after].filter((path) =>
      /^src\/providers\/(?:ai_sdk|chat_|sdk_prompt|wire)/.test(path)
    );
    assert.deepEqual(wires, []);
  });
});
