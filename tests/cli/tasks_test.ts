import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { allTasks } from "../../src/cli/tasks.ts";
import type { Feature } from "../../src/features/feature.ts";
import { describeCommand, describeGroup } from "../../src/cli/help/command_help.ts";
import { flag } from "../../src/cli/shared/command.ts";

const COMMAND = describeCommand<{ readonly json: boolean }>({
  brief: "Do it",
  examples: [],
  exits: {},
  parameters: { flags: { json: flag("Print JSON") } },
  run: () => Promise.resolve(0),
});
const group = (name: string): Feature => ({
  cli: () =>
    Promise.resolve({ Configure: { config: describeGroup("Change it", { [name]: COMMAND }) } }),
});

describe("[O10] allTasks()", () => {
  it("has `run` without any feature", async () => {
    const names = (await allTasks([])).flatMap(({ commands }) => Object.keys(commands));
    assert.deepEqual(names, ["run"]);
  });

  it("joins groups of one name, and refuses a command that two features have", async () => {
    const tasks = await allTasks([group("check"), group("import")]);
    const config = tasks.find(({ title }) => title === "Configure")?.commands["config"];
    assert.deepEqual(config?.kind === "group" && Object.keys(config.commands), ["check", "import"]);
    await assert.rejects(allTasks([group("check"), group("check")]), TypeError);
    const status: Feature = { cli: () => Promise.resolve({ Diagnose: { status: COMMAND } }) };
    await assert.rejects(allTasks([status, status]), TypeError);
  });
});
