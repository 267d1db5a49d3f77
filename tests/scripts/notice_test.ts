import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { noticeText } from "../../scripts/notice.ts";
import { type Package, packageFolders } from "../../scripts/packages.ts";

const HONO: Package = {
  name: "hono",
  version: "4.0.0",
  licence: "MIT",
  copyright: ["Copyright (c) Hono"],
};

describe("packageFolders()", () => {
  it("finds each package once, with its scope and version, and no file of ours", () => {
    const hono = "node_modules/.deno/hono@4.0.0/node_modules/hono";
    const scoped = "node_modules/.deno/@a+b@1.0.0/node_modules/@a/b";
    const files = ["src/main.ts", `${hono}/a.js`, `${hono}/dist/b.js`, `../x/${scoped}/c.js`];
    assert.deepEqual(packageFolders(files), [scoped, hono]);
  });
});

describe("noticeText()", () => {
  it("names version, licence and holders of a package, and has the licence's text", () => {
    const text = noticeText([HONO], "1.4.4", { MIT: "Permission is granted" });
    assert.match(text, /^Bun 1\.4\.4 \(MIT\)/m);
    assert.match(text, /^hono 4\.0\.0 \(MIT\)\n {4}Copyright \(c\) Hono$/m);
    assert.match(text, /^MIT\n\nPermission is granted$/m);
  });

  it("refuses a licence without a text", () => {
    assert.throws(() => noticeText([HONO], "1.4.4", {}), /hono has the licence MIT/);
  });
});

describe("NOTICE", () => {
  it("names every version that deno.json pins, if the package is in the binary", () => {
    const root = join(import.meta.dirname ?? ".", "..", "..");
    const { imports } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
    const lines = readFileSync(join(root, "NOTICE"), "utf8").split("\n");
    for (const name of ["hono", "ws", "zod", "@discordeno/types", "@ai-sdk/anthropic"]) {
      const version = String(imports[name]).split("@").at(-1);
      assert.ok(
        lines.some((line) => line.startsWith(`${name} ${version} (`)),
        `${name} ${version}`,
      );
    }
  });
});
