import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createInTurn } from "../../../../src/bot/turn/discord/in_turn.ts";

describe("[T3] createInTurn()", () => {
  it("runs the tasks of a session in order, and those of others beside them", async () => {
    const inTurn = createInTurn();
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const done: string[] = [];
    const task = (name: string, wait?: Promise<void>) => async () => {
      await wait;
      done.push(name);
      return name;
    };
    const first = inTurn("a", task("slow", gate));
    const second = inTurn("a", task("fast"));
    assert.equal(await inTurn("b", task("other")), "other");
    open();
    assert.deepEqual(await Promise.all([first, second]), ["slow", "fast"]);
    assert.deepEqual(done, ["other", "slow", "fast"]);
  });

  it("goes on after a task that fails", async () => {
    const inTurn = createInTurn();
    const failed = inTurn("a", () => Promise.reject(new Error("no")));
    const next = inTurn("a", () => Promise.resolve(1));
    await assert.rejects(failed, /no/);
    assert.equal(await next, 1);
  });
});
