import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HOOK_WAITING_MAX, type NewHookEvent } from "../../../src/core/hooks/hook.ts";
import { HOOK_EVENTS_KEPT_DAYS } from "../../../src/core/hooks/hook.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { PAUSED } from "../../../src/core/inbound/inbox.ts";
import { ACCOUNT, guildMessage, outboundMessage } from "../../support/discord/builders.ts";
import { accepted, batch, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 10, 23);

function event(fields: Partial<NewHookEvent> = {}): NewHookEvent {
  return {
    accountId: ACCOUNT,
    hook: "uptime",
    key: "",
    title: "",
    text: "web is down",
    post: "web is down",
    isEnd: false,
    ...fields,
  };
}

describe("[W2] store.hooks", () => {
  it("stores an event once for each id of its sender, by hook", async () => {
    const { store: { hooks } } = openTestStore();
    const first = await hooks.accept(event({ senderId: "1" }), NOW, 7);
    assert.equal(first?.isRepeated, false);
    assert.deepEqual(await hooks.accept(event({ senderId: "1" }), NOW + 9, 8), {
      messageId: first?.messageId,
      isRepeated: true,
    });
    const other = await hooks.accept(event({ hook: "other", senderId: "1" }), NOW, 9);
    assert.equal(other?.isRepeated, false);
    for (const number of [10, 11]) {
      assert.equal((await hooks.accept(event(), NOW, number))?.isRepeated, false);
    }
  });

  it("takes all waiting events of a key for one run, with the id of the first", async () => {
    const { store: { hooks } } = openTestStore();
    const first = await hooks.accept(event({ key: "web" }), NOW, 1);
    await hooks.accept(event({ key: "db" }), NOW, 2);
    const last = await hooks.accept(event({ key: "web", text: "still" }), NOW, 3);
    assert.deepEqual(await hooks.waiting(ACCOUNT), [
      { hook: "uptime", key: "web", count: 2, oldest: NOW, newest: NOW },
      { hook: "uptime", key: "db", count: 1, oldest: NOW, newest: NOW },
    ]);
    const run = await hooks.claim(ACCOUNT, "uptime", "web", NOW);
    assert.ok(run && first && last);
    assert.deepEqual([run.messageId, run.count, run.state], [first.messageId, 2, "claimed"]);
    assert.equal(await hooks.claim(ACCOUNT, "uptime", "web", NOW), undefined);
    assert.deepEqual(
      (await hooks.eventsOf(run.messageId, 9)).map(({ text }) => text),
      ["web is down", "still"],
    );
    assert.deepEqual((await hooks.eventsOf(run.messageId, 1)).map(({ text }) => text), ["still"]);
    const found = await hooks.find(last.messageId);
    assert.deepEqual([found?.event.text, found?.run?.messageId], ["still", run.messageId]);
    assert.equal(await hooks.find("42" as never), undefined);
    assert.deepEqual(await hooks.startsSince(ACCOUNT, NOW - 1), [
      { hook: "uptime", key: "web", at: NOW, state: "claimed" },
    ]);
  });

  it("posts the messages of a run once, and then the run is done", async () => {
    const { store: { hooks }, rows } = openTestStore();
    await hooks.accept(event(), NOW, 1);
    const run = await hooks.claim(ACCOUNT, "uptime", "", NOW);
    assert.ok(run);
    assert.deepEqual((await hooks.open(ACCOUNT)).map(({ state }) => state), ["claimed"]);
    const message = { message: outboundMessage({ nonce: "n1" }), files: [] };
    for (let time = 0; time < 2; time++) await hooks.post(run.messageId, [message], undefined, NOW);
    assert.equal(rows("SELECT 1 FROM outbox").length, 1);
    assert.deepEqual(await hooks.open(ACCOUNT), []);
    assert.equal((await hooks.find(run.messageId))?.run?.state, "done");
  });

  it("refuses events if too many wait, but knows repeated ones", async () => {
    const { store: { hooks }, database } = openTestStore();
    const known = await hooks.accept(event({ senderId: "known" }), NOW, 1);
    database.exec(`
      WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ${HOOK_WAITING_MAX})
      INSERT INTO hook_event (account_id, hook, message_id, key, title, text, post, is_end, received_at)
      SELECT '${ACCOUNT}', 'uptime', CAST(i AS TEXT), '', '', '', '', 0, ${NOW} FROM n`);
    assert.equal(await hooks.accept(event(), NOW, 3), undefined);
    assert.deepEqual(await hooks.accept(event({ senderId: "known" }), NOW, 4), {
      messageId: known?.messageId,
      isRepeated: true,
    });
    assert.ok(await hooks.accept(event({ hook: "other" }), NOW, 5));
  });

  it("[W5] posts the event of a turn that a pause ends, whether its run knew the turn or not", async () => {
    for (const state of ["claimed", "running", "parked"]) {
      const { store } = openTestStore();
      const { hooks, inbox } = store;
      await hooks.accept(event(), NOW, 1);
      const run = await hooks.claim(ACCOUNT, "uptime", "", NOW);
      assert.ok(run);
      const judged = [accepted(guildMessage({ id: run.messageId }))];
      await inbox.acceptBatch(batch({ judged }), NOW);
      if (state !== "claimed") await hooks.running(run.messageId);
      if (state === "parked") await hooks.post(run.messageId, [], undefined, NOW);
      const scope = { accountId: ACCOUNT, isPause: true };
      assert.deepEqual(await inbox.stopTurns(scope, NOW), [run.messageId]);
      await hooks.running(run.messageId); // of a runner that did not know
      assert.deepEqual(await hooks.open(ACCOUNT), [{ ...run, state: "claimed", reason: PAUSED }]);
      assert.deepEqual(await inbox.stopTurns(scope, NOW), []);
    }
  });

  it("[W3] refuses events of accounts that the config does not have any more", async () => {
    const { store: { hooks } } = openTestStore();
    assert.equal(await hooks.hasOpen(ACCOUNT), false);
    assert.equal(await hooks.refuseOthers([], NOW), 0);
    const cut = await hooks.accept(event({ key: "cut" }), NOW, 1);
    await hooks.claim(ACCOUNT, "uptime", "cut", NOW);
    await hooks.accept(event(), NOW, 2);
    const last = await hooks.accept(event(), NOW, 3);
    assert.ok(cut && last);
    assert.equal(await hooks.hasOpen(ACCOUNT), true);
    assert.equal(await hooks.refuseOthers([ACCOUNT], NOW), 0);
    assert.equal(await hooks.refuseOthers([], NOW), 3);
    assert.equal(await hooks.refuseOthers([], NOW), 0);
    assert.equal(await hooks.hasOpen(ACCOUNT), false);
    for (const { messageId } of [cut, last]) {
      const { run } = await hooks.find(messageId) ?? {};
      assert.deepEqual(
        [run?.state, run?.reason],
        ["refused", 'the config does not have the account "default" any more'],
      );
    }
  });

  it("[X6] forgets old events and runs, but no waiting one", async () => {
    const { store, rows } = openTestStore();
    const { hooks, upkeep } = store;
    await hooks.accept(event({ key: "done" }), NOW, 1);
    await hooks.accept(event({ key: "waits" }), NOW, 2);
    const run = await hooks.claim(ACCOUNT, "uptime", "done", NOW);
    assert.ok(run);
    await hooks.refuse(run.messageId, "no such channel");
    await upkeep.prune(NOW + (HOOK_EVENTS_KEPT_DAYS + 1) * DAY_MS);
    assert.deepEqual(rows("SELECT key FROM hook_event"), [{ key: "waits" }]);
    assert.deepEqual(rows("SELECT 1 FROM hook_run"), []);
  });

  it("[X6] forgets an incident 30 days after its last event, whether it has ended or not", async () => {
    const { store: { hooks, upkeep }, rows } = openTestStore();
    let number = 0;
    const join = async (key: string, isEnd: boolean, at: number) => {
      await hooks.accept(event({ key }), at, ++number);
      const run = await hooks.claim(ACCOUNT, "uptime", key, at);
      assert.ok(run);
      const { channelId } = outboundMessage();
      const compose = () => ({ message: outboundMessage({ nonce: key }), files: [] });
      await hooks.joinIncident(run, { channelId, title: key, isEnd, compose }, at);
      await hooks.refuse(run.messageId, "posted elsewhere"); // the run is over
    };
    const keys = () => rows("SELECT key FROM hook_incident ORDER BY id").map(({ key }) => key);
    for (const key of ["never ends", "ends", "goes on"]) await join(key, false, NOW);
    await join("ends", true, NOW + DAY_MS);
    await join("goes on", false, NOW + 20 * DAY_MS);
    await upkeep.prune(NOW + 25 * DAY_MS);
    assert.deepEqual(keys(), ["never ends", "ends", "goes on"]);
    await upkeep.prune(NOW + (HOOK_EVENTS_KEPT_DAYS + 2) * DAY_MS);
    assert.deepEqual(keys(), ["goes on"]);
    await upkeep.prune(NOW + (HOOK_EVENTS_KEPT_DAYS + 22) * DAY_MS);
    assert.deepEqual(keys(), []);
  });
});
