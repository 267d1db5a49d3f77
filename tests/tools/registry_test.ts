import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { type Tool, withInput } from "../../src/core/turn/tool.ts";
import { GATES, openGates, TOOL_GATES } from "../../src/core/tool_names.ts";
import { discordSection } from "../../src/config/schema/root.ts";
import { TOOLS } from "../../src/tools/registry.ts";

describe("[T1] TOOLS", () => {
  it("names each tool once, in lower case with underscores", () => {
    const names = TOOLS.map(({ name }) => name);
    assert.deepEqual([...new Set(names)], names);
    assert.deepEqual(names.filter((name) => !/^[a-z][a-z0-9_]*$/.test(name)), []);
  });

  it("[D1] [R15a] knows which run once, change nothing by themselves, or act for their asker", () => {
    const named = (...flags: readonly (keyof Tool)[]) =>
      flags.map((flag) => TOOLS.filter((one) => one[flag] === true).map(({ name }) => name).sort());
    const [repeat, reading, personal] = named("isIdempotent", "isReadOnly", "isPersonal");
    const once = TOOLS.map(({ name }) => name).filter((name) => !repeat?.includes(name)).sort();
    assert.deepEqual(once, ["draw", "edit_file", "exec", "voice"]);
    assert.deepEqual(
      reading?.join(" "),
      "code draw list_files memory read_channel_history read_file read_skill recall send_file " +
        "web_fetch web_search",
    );
    assert.deepEqual(personal, ["memory", "remind"]);
  });

  it("[B9] has the schema of each tool for the model, so that a reply derives none", () => {
    assert.deepEqual(TOOLS.filter(({ parameters }) => parameters?.["type"] !== "object"), []);
  });
});

describe("[T3] TOOL_GATES", () => {
  it("are the config's actions, with their defaults", () => {
    const { actions } = discordSection.parse({ actions: {} }) ?? {};
    assert.deepEqual(openGates({ ...actions }), openGates({}));
    assert.deepEqual(Object.keys(actions ?? {}), GATES);
  });

  it("are closed for actions that change roles, members or the bot's presence", () => {
    const closed = GATES.filter((gate) => !TOOL_GATES[gate].isOpen);
    assert.deepEqual(closed, ["roles", "moderation", "presence"]);
  });
});

describe("[B9] withInput()", () => {
  it("builds the input at its first use, once, and takes a built one too", () => {
    let built = 0;
    const late = withInput({ name: "late", input: () => z.string().min(++built) });
    assert.equal(built, 0);
    assert.equal(late.input, late.input);
    assert.equal(late.input.safeParse("").success, false);
    assert.equal(built, 1);
    const input = z.string();
    assert.equal(withInput({ input }).input, input);
  });
});
