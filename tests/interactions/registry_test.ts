import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COMMANDS as TEXT_COMMANDS } from "../../src/core/inbound/commands.ts";
import { COMMANDS, componentOf, COMPONENTS } from "../../src/interactions/registry.ts";

const NAME = /^[a-z][a-z0-9_-]{0,31}$/;

describe("[K1] COMMANDS", () => {
  for (const { name, description, options, needs } of COMMANDS) {
    it(`/${name} fits Discord's limits and the list of text commands`, () => {
      assert.match(name, NAME);
      assert.ok(description.length >= 1 && description.length <= 100, description);
      assert.equal(TEXT_COMMANDS.get(name)?.needs, needs);
      assert.ok(options.length <= 25);
      const firstOptional = options.findIndex(({ isRequired }) => !isRequired);
      const required = options.findLastIndex(({ isRequired }) => isRequired);
      assert.ok(firstOptional === -1 || required < firstOptional, "required options come first");
    });
  }

  it("names each command once", () => {
    const names = COMMANDS.map(({ name }) => name);
    assert.deepEqual([...new Set(names)], names);
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
      componentOf({ kind, customId }, COMPONENTS)?.name;
    assert.equal(found("button", "pairing:abc"), "pairing");
    assert.equal(found("select", "pairing:abc"), undefined);
    assert.equal(found("button", "pairing"), undefined);
    assert.equal(found("button", "pairings:abc"), undefined);
  });
});
