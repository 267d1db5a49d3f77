import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { definitionsModule, toolsPage } from "../../../scripts/reference/tools.ts";
import { ACTIONS } from "../../../src/tools/discord/discord.ts";

describe("[T3] the reference of tools", () => {
  it("docs/tools.md is up to date", () => {
    const page = join(import.meta.dirname!, "..", "..", "..", "docs", "tools.md");
    assert.equal(readFileSync(page, "utf8"), toolsPage());
  });

  it("src/tools/discord/definitions.ts is up to date: the model sees each tool as its input is", () => {
    const module = join(
      import.meta.dirname!,
      "..",
      "..",
      "..",
      "src",
      "tools",
      "discord",
      "definitions.ts",
    );
    assert.equal(readFileSync(module, "utf8"), definitionsModule());
  });

  it("has an entry for each action, with gate, rights and undo", () => {
    const page = toolsPage();
    for (const { name } of ACTIONS) assert.match(page, new RegExp(`\\n- \`${name}\\(`), name);
    assert.match(
      page,
      /- `roleAdd\(.*\)`: gate `roles` ✘; idempotent; destructive, undo: yes\. .*Manage Roles/,
    );
    assert.match(
      page,
      /- `timeout\(.*\)`: gate `moderation` ✘; not idempotent; destructive, undo: yes\./,
    );
    assert.match(page, /- `kick\(.*\)`: .* undo: no\./);
    assert.doesNotMatch(page, /undefined/);
  });
});
