/** Tests the records of actions that run without a person (T16). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dayStart } from "../../../src/core/hooks/unattended.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { createStore } from "../../support/store/open_database.ts";
import { ACCOUNT, messageId } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";

const RULE = "hooks.disk.unattended.clean";
/** A minute before the UTC day ends. */
const NOW = Date.UTC(2026, 10, 23, 23, 59);

const runOf = (turn: number, call = 1) => ({
  accountId: ACCOUNT,
  messageId: messageId(`${1_400_000_000_000_000_000n + BigInt(turn)}`),
  callKey: `${turn}:${call}`,
  label: "Clean up",
});
const limitAt = (now: number, most = 2) => ({ rule: RULE, most, since: dayStart(now) });

describe("[T16] store.actions.beginUnattended", () => {
  it("begins up to the cap of the UTC day, also after a failure and a new start", async () => {
    const { store, database } = openTestStore();
    for (const turn of [1, 2]) {
      const { kind } = await store.actions.beginUnattended(runOf(turn), limitAt(NOW), NOW);
      assert.equal(kind, "begun");
    }
    await store.actions.end("1:1", { state: "failed", outcome: "no" }, [], NOW);
    const { actions } = createStore(database, ":memory:", { elapsed: () => 0 });
    assert.equal((await actions.beginUnattended(runOf(3), limitAt(NOW), NOW)).kind, "spent");
    assert.equal(await actions.runOf("3:1"), undefined);
    const other = { ...limitAt(NOW), rule: "hooks.disk.unattended.other" };
    assert.equal((await actions.beginUnattended(runOf(4), other, NOW)).kind, "begun");
    const tomorrow = NOW + 60_000;
    assert.equal(
      (await actions.beginUnattended(runOf(5), limitAt(tomorrow), tomorrow)).kind,
      "begun",
    );
    // A clock that goes back gives no further runs.
    assert.equal((await actions.beginUnattended(runOf(6), limitAt(NOW), NOW)).kind, "spent");
    assert.equal(
      (await actions.beginUnattended(runOf(7), limitAt(NOW - DAY_MS), NOW - DAY_MS)).kind,
      "spent",
    );
  });

  it("begins a rule once in a turn, and keeps the rule with the run", async () => {
    const { store: { actions } } = openTestStore();
    assert.equal((await actions.beginUnattended(runOf(1), limitAt(NOW), NOW)).kind, "begun");
    const again = await actions.beginUnattended(runOf(1, 2), limitAt(NOW), NOW);
    assert.ok(again.kind === "repeated");
    assert.deepEqual([again.run.rule, again.run.state], [RULE, "running"]);
    await actions.end("1:1", { state: "done", outcome: "ok" }, [], NOW);
    const [run] = await actions.runsOf(runOf(1).messageId);
    assert.deepEqual(run, {
      label: "Clean up",
      rule: RULE,
      state: "done",
      outcome: "ok",
      startedAt: NOW,
    });
    assert.equal(await actions.begin({ ...runOf(1) }, NOW), false);
  });

  it("tells a rule's runs of the day, and its last one, also of another day", async () => {
    const { store: { actions } } = openTestStore();
    assert.deepEqual(await actions.useOf(RULE, dayStart(NOW)), { count: 0, last: undefined });
    await actions.beginUnattended(runOf(1), limitAt(NOW), NOW - 1_000);
    await actions.beginUnattended(runOf(2), limitAt(NOW), NOW);
    await actions.end("2:1", { state: "failed", outcome: "no" }, [], NOW);
    const last = { messageId: runOf(2).messageId, state: "failed", startedAt: NOW };
    assert.deepEqual(await actions.useOf(RULE, dayStart(NOW)), { count: 2, last });
    assert.deepEqual(await actions.useOf(RULE, dayStart(NOW + DAY_MS)), { count: 0, last });
  });
});
