import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { toolsPage } from "../../scripts/tool_reference.ts";
import { ACTIONS } from "../../src/tools/discord/discord.ts";

describe("[T3] tool_reference", () => {
  it("docs/tools.md is up to date", () => {
    const page = join(import.meta.dirname!, "..", "..", "docs", "tools.md");
    assert.equal(readFileSync(page, "utf8"), toolsPage());
  });

  it("has a row for each action, with gate, rights and undo", () => {
    const page = toolsPage();
    for (const { name } of ACTIONS) assert.match(page, new RegExp(`\\n\\| \`${name}\` \\| `), name);
    assert.match(page, /\| `roleAdd` \| `roles` ✘ \| .*Manage Roles.* \| yes \| yes \|/);
    assert.match(page, /\| `timeout` \| `moderation` ✘ \| .* \| no \| yes \|/);
    assert.match(page, /\| `kick` \| .* \| no \|/);
    assert.doesNotMatch(page, /undefined/);
  });
});
