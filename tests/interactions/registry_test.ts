import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FEATURES } from "../../src/features/features.ts";
import { toRegistered } from "../../src/flows/register_commands.ts";
import {
  COMMANDS,
  componentOf,
  COMPONENTS,
  MESSAGE_COMMANDS,
  TEXT_COMMANDS,
} from "../../src/interactions/registry.ts";

const NAME = /^[a-z][a-z0-9_-]{0,31}$/;

describe("[K1] COMMANDS", () => {
  for (const command of COMMANDS) {
    const { name, description, options = [], subcommands = [], needs } = command;
    it(`/${name} fits Discord's limits and the list of text commands`, () => {
      assert.match(name, NAME);
      assert.ok(description.length >= 1 && description.length <= 100, description);
      const text = TEXT_COMMANDS.get(name);
      assert.equal(text?.needs, needs);
      assert.ok(text?.takesWords || options.length === 0, "a text can give its options");
      for (const list of [options, ...subcommands.map(({ options = [] }) => options)]) {
        assert.ok(list.length <= 25);
        for (const { name, description, choices = [], suggest } of list) {
          assert.match(name, NAME);
          assert.ok(description.length >= 1 && description.length <= 100, description);
          assert.ok(choices.length <= 25 && !(choices.length > 0 && suggest), name);
        }
        const firstOptional = list.findIndex(({ isRequired }) => !isRequired);
        const required = list.findLastIndex(({ isRequired }) => isRequired);
        assert.ok(firstOptional === -1 || required < firstOptional, "required options come first");
      }
      assert.ok(subcommands.length === 0 || options.length === 0);
      assert.ok(JSON.stringify(toRegistered(command)).length <= 8_000);
    });
  }

  it("has every command as a text, with words if it takes any", () => {
    assert.deepEqual([...TEXT_COMMANDS.keys()], COMMANDS.map(({ name }) => name));
    const takesWords = (name: string) => TEXT_COMMANDS.get(name)?.takesWords;
    assert.deepEqual(["status", "config", "skill", "reset"].map(takesWords), [
      false, // `/status now` is a message for the model
      true, // it has subcommands
      true, // it has an option
      true, // it says so itself
    ]);
  });

  it("names each command once, and has no more than Discord takes", () => {
    const names = COMMANDS.map(({ name }) => name);
    assert.ok(names.length <= 100);
    assert.deepEqual([...new Set(names)], names);
    const ofFeatures = FEATURES.flatMap(({ commands = [] }) => commands);
    assert.deepEqual(ofFeatures.filter((one) => !COMMANDS.includes(one)), []);
  });
});

describe("[K6] MESSAGE_COMMANDS", () => {
  it("fit into the menu of a message", () => {
    assert.ok(MESSAGE_COMMANDS.length <= 5);
    for (const { name } of MESSAGE_COMMANDS) assert.ok(name.length >= 1 && name.length <= 32, name);
  });
});

describe("[P16] COMPONENTS", () => {
  it("names each component once, without colon", () => {
    const names = COMPONENTS.map(({ kind, name }) => `${kind} ${name}`);
    assert.deepEqual([...new Set(names)], names);
    for (const { name } of COMPONENTS) assert.match(name, NAME);
  });

  it("routes by kind and by the name before the colon", () => {
    const found = (kind: "button" | "select", customId: string) =>
      componentOf({ kind, customId })?.name;
    assert.equal(found("button", "pairing:abc"), "pairing");
    assert.equal(found("select", "pairing:abc"), undefined);
    assert.equal(found("button", "pairing"), undefined);
    assert.equal(found("button", "pairings:abc"), undefined);
  });
});
