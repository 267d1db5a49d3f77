/**
 * Compares each command of the OpenClaw release that the seed describes with ours: its name, other
 * names, words after it, and its arguments with their choices.
 *
 * If our specification deviates, the command is listed with the reason. The test fails if a listed
 * command no longer deviates.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandOf } from "../../src/core/inbound/inbound.ts";
import { COMMANDS, TEXT_COMMANDS } from "../../src/interactions/registry.ts";
import { commandsOf, type ListedCommand } from "../support/discord/vectors.ts";

const NONE = "it has nothing to stand for here (K2)";
const ONE_NAME = "a command has one name (K2)";
const PARTS = "its actions are subcommands, with the same arguments (K4)";

const SETTING = "it is a setting of `/settings` (K2)";

/** Commands that we do not have. */
const ABSENT: Readonly<Record<string, string>> = {
  tts: NONE,
  model: SETTING,
  models: "`/settings model` lists them (K2)",
  think: SETTING,
  reasoning: SETTING,
  verbose: SETTING,
  queue: SETTING,
  activation: SETTING,
  send: SETTING,
  subagents: NONE,
  debug: NONE,
  elevated: "exec.mode of the config decides (A1, K2)",
  exec: "exec.mode of the config decides (A1, K2)",
  bash: NONE,
  dock_telegram: NONE,
  dock_discord: NONE,
  dock_slack: NONE,
};

/** Commands whose arguments or choices are others. */
const OTHER_ARGUMENTS: Readonly<Record<string, string>> = {
  approve: "the ID and the decision are options with suggestions, beside the same text form (A4)",
  config: PARTS,
  allowlist: PARTS,
  usage: "it shows the use alone; the key `usage` chooses the footer (K2, R15)",
  new: "its message may follow, as in the text form (S4a)",
  compact: "a summary has no instructions (S4a)",
};

const { commands, options } = commandsOf("seed-commands");

/** The arguments of a command: `"mode[on,off]"`. */
const theirsOf = ({ args = [] }: ListedCommand) =>
  args.map(({ name, choices }) => {
    const values = Array.isArray(choices)
      ? choices.map((choice) => typeof choice === "string" ? choice : choice.value)
      : [];
    return values.length > 0 ? `${name}[${values.join()}]` : name;
  });

const oursOf = (name: string) => {
  const own = COMMANDS.find((command) => command.name === name);
  if (!own) return undefined;
  const subcommands = (own.subcommands ?? []).map((one) => `${one.name}()`);
  const given = (own.options ?? []).map(({ name, choices = [] }) =>
    choices.length > 0 ? `${name}[${choices.map(({ value }) => value).join()}]` : name
  );
  return [...given, ...subcommands];
};

describe("[K2] each command of OpenClaw's list", options, () => {
  for (const command of commands) {
    const { name, acceptsArgs, textAliases = [] } = command;
    const absent = ABSENT[name];
    it(absent === undefined ? `/${name} is ours` : `/${name} is not ours: ${absent}`, () => {
      assert.equal(TEXT_COMMANDS.has(name), absent === undefined);
    });
    if (absent !== undefined) continue;

    it(`/${name} takes words as ours does`, () => {
      assert.equal(TEXT_COMMANDS.get(name)?.takesWords, acceptsArgs);
    });

    for (const alias of textAliases) {
      const isOwn = alias === `/${name}`;
      it(isOwn ? `${alias} is a text command` : `${alias} is no command: ${ONE_NAME}`, () => {
        assert.equal(commandOf(alias, TEXT_COMMANDS)?.name, isOwn ? name : undefined);
      });
    }

    const why = OTHER_ARGUMENTS[name];
    it(`/${name} has ${why === undefined ? "the same arguments" : `other arguments: ${why}`}`, () => {
      const ours = oursOf(name);
      if (ours === undefined) return; // a planned command has no arguments yet
      if (why === undefined) assert.deepEqual(ours, theirsOf(command));
      else assert.notDeepEqual(ours, theirsOf(command));
    });
  }

  it("are 32, and contain all listed deviations", () => {
    assert.equal(commands.length, 32);
    const names = commands.map(({ name }) => name);
    const listed = [...Object.keys(ABSENT), ...Object.keys(OTHER_ARGUMENTS)];
    assert.deepEqual(listed.filter((name) => !names.includes(name)), []);
  });
});
