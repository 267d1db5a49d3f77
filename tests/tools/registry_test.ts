import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GATE_DEFAULTS } from "../../src/core/tool_names.ts";
import { discordSection } from "../../src/config/schema/root.ts";
import { TOOLS } from "../../src/tools/registry.ts";

describe("[T1] TOOLS", () => {
  it("names each tool once, in lower case with underscores", () => {
    const names = TOOLS.map(({ name }) => name);
    assert.deepEqual([...new Set(names)], names);
    assert.deepEqual(names.filter((name) => !/^[a-z][a-z0-9_]*$/.test(name)), []);
  });
});

describe("[T3] GATE_DEFAULTS", () => {
  it("are the config's actions, with their defaults", () => {
    const { actions } = discordSection.parse({ actions: {} }) ?? {};
    assert.deepEqual({ ...actions }, GATE_DEFAULTS);
  });

  it("are closed for actions that change roles, members or the bot's presence", () => {
    const closed = Object.entries(GATE_DEFAULTS).filter(([, isOpen]) => !isOpen).map(([name]) =>
      name
    );
    assert.deepEqual(closed, ["roles", "moderation", "presence"]);
  });
});
