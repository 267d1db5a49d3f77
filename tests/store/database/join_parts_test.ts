import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { joinParts } from "../../../src/store/database/join_parts.ts";

describe("joinParts()", () => {
  const accounts = { load: (id: string) => `account ${id}` };
  const sessions = { start: (shard: number) => shard + 1 };
  const guilds = { load: (id: string) => `guild ${id}` };

  it("returns one object with the methods of all parts", () => {
    const joined: typeof accounts & typeof sessions = joinParts(accounts, sessions);
    assert.deepEqual(Object.keys(joined), ["load", "start"]);
    assert.equal(joined.load("1"), "account 1");
    assert.equal(joined.start(1), 2);
  });

  it("does not compile, and throws, if two parts have a method of the same name", () => {
    // @ts-expect-error: both have `load`
    assert.throws(() => joinParts(accounts, sessions, guilds), /two of them have "load"/);
  });

  it("does not compile even if the two methods have the same type", () => {
    // @ts-expect-error: both have `load`
    assert.throws(() => joinParts(accounts, { ...accounts }), TypeError);
  });

  it("leaves the parts unchanged", () => {
    joinParts(accounts, sessions);
    assert.deepEqual(Object.keys(accounts), ["load"]);
  });
});
