import { memory } from "../../../src/features/notes/command.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Command } from "../../../src/interactions/base/command.ts";
import { readWords, usageOf } from "../../../src/flows/interactions/run_commands.ts";
import { allowlist, config } from "../../../src/interactions/commands/config.ts";
import { catchup } from "../../../src/features/catchup/command.ts";
import { forget } from "../../../src/features/forget/command.ts";
import { status } from "../../../src/interactions/commands/about.ts";
import { skill } from "../../../src/interactions/commands/ask.ts";
import { settings } from "../../../src/interactions/commands/settings.ts";

describe("[K1] readWords()", () => {
  const cases: readonly [command: Command, words: string, read: unknown][] = [
    [status, "", { options: {} }],
    [status, "now", undefined],
    [memory, "3", { options: { show: 3 } }],
    [memory, "edit:3 text:no sugar, thanks", { options: { edit: 3, text: "no sugar, thanks" } }],
    [memory, "text:no sugar edit:3", undefined], // a text takes all words that are left
    [memory, "delete: 4", { options: { delete: 4 } }],
    [memory, "three", undefined],
    [settings, "THINK high", { options: { name: "think", value: "high" } }],
    [settings, "later", undefined],
    [forget, "", undefined],
    [skill, "tides when is  high tide?", {
      options: { name: "tides", input: "when is  high tide?" },
    }],
    [skill, "", undefined],
    [config, "get a", { subcommand: "get", options: { path: "a" } }],
    [config, "SET log.level debug", {
      subcommand: "set",
      options: { path: "log.level", value: "debug" },
    }],
    [config, 'set a {"b": 1}', { subcommand: "set", options: { path: "a", value: '{"b": 1}' } }],
    [config, "set log.level", undefined],
    [config, "ure", undefined], // OpenClaw reads /configure so
    [config, "", undefined],
    [allowlist, "list", { subcommand: "list", options: {} }],
    [allowlist, "list DM", { subcommand: "list", options: { list: "dm" } }],
    [allowlist, "add <@12>", { subcommand: "add", options: { user: "12" } }],
    [allowlist, "remove <@!12> server", {
      subcommand: "remove",
      options: { user: "12", list: "server" },
    }],
    [allowlist, "add list:dm user:12", { subcommand: "add", options: { user: "12", list: "dm" } }],
    [allowlist, "add ada", undefined], // another person could take the name
    [allowlist, "add <#12>", undefined],
    [allowlist, "add", undefined],
    [catchup, "2h <#12>", { options: { since: "2h", where: "12" } }],
    [catchup, "2h <@12>", undefined],
  ];
  for (const [command, words, read] of cases) {
    it(`reads /${command.name} ${words}`, () => {
      const found = readWords(command, words);
      assert.deepEqual(found && { ...found, options: { ...found.options } }, read);
    });
  }

  it("takes time in proportion to the text", () => {
    assert.equal(readWords(memory, `${" ".repeat(100_000)}x`), undefined);
    assert.equal(readWords(memory, "a:".repeat(50_000)), undefined);
  });
});

describe("[K1] usageOf()", () => {
  it("shows how to write a command", () => {
    assert.equal(usageOf(skill), "`/skill <name> [input]`");
    assert.match(usageOf(settings), /^`\/settings \[model\|think\|[^\]]+\] \[value\]`$/);
    assert.equal(usageOf(config).split("\n")[1], "`/config set <path> <value>`");
  });
});
