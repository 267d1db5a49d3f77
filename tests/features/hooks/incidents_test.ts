import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HookRun } from "../../../src/features/hooks/store.ts";
import { placeOfIncident, updateIncidents } from "../../../src/features/hooks/runner.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { refused } from "../../support/discord/answers.ts";
import { ACCOUNT, channelId, guildId } from "../../support/discord/builders.ts";

const FIRST = "1400000000000000777";
const PLACE = {
  channelId: channelId("1400000000000000801"),
  guildId: guildId("1400000000000000001"),
  place: {
    kind: "guild",
    guild: { id: guildId("1400000000000000001"), name: "Krill" },
    channel: { id: channelId("1400000000000000801"), name: "ops" },
  },
} as const;

/** @param thread What Discord says of the thread. */
async function setUp(
  thread: () => unknown = () => ({ id: FIRST, type: 11 }),
  begins: unknown = { id: FIRST },
) {
  const { account, store, database, rows, requests } = await testAccount({
    answer: ({ method, path }) => {
      if (path.endsWith("/threads")) return begins;
      return method === "GET" && path === `/channels/${FIRST}` ? thread() : undefined;
    },
  });
  let number = 0;
  async function run(): Promise<HookRun> {
    const event = { hook: "h", key: "web", title: "web is down", text: "", post: "", isEnd: false };
    await store.hooks.accept({ ...event, accountId: ACCOUNT }, account.now(), ++number);
    const run = await store.hooks.claim(ACCOUNT, "h", "web", account.now());
    assert.ok(run);
    return run;
  }
  async function join(run: HookRun, place: typeof PLACE = PLACE) {
    const [event] = await store.hooks.eventsOf(run.messageId, 1);
    assert.ok(event);
    const found = await placeOfIncident(account, run, event, place);
    return found.kind === "place" ? found.place.channelId : "waiting";
  }
  const deliver = () =>
    database.exec(
      `UPDATE outbox SET state = 'sent', message_id = '${FIRST}' WHERE state = 'pending'`,
    );
  const update = () => updateIncidents(account);
  return { store, database, rows, requests, run, join, deliver, update };
}

describe("[W6] an incident", () => {
  it("is in its place if Discord lacks the first post, and another one begins", async () => {
    const { store, database, run, join, deliver } = await setUp();
    const first = await run();
    assert.equal(await join(first), "waiting");
    database.exec("UPDATE outbox SET state = 'dead'");
    for (const _ of ["once", "again after a crash"]) {
      assert.equal(await join(first), PLACE.channelId);
    }
    await store.hooks.refuse(first.messageId, "done");
    const second = await run();
    assert.equal(await join(second), "waiting");
    deliver();
    assert.equal(await join(second), FIRST, "its thread");
  });

  it("is shown as it is if its thread is gone, without the events of the next", async () => {
    const { store, run, join, deliver, requests, update } = await setUp(() => refused(404, 10_003));
    const first = await run();
    await join(first);
    deliver();
    await join(first);
    await store.hooks.running(first.messageId);
    assert.equal(await join(await run()), "waiting");
    await store.hooks.refuse(first.messageId, "done");
    await update();
    const edited = requests.filter(({ method, path }) =>
      method === "PATCH" && path.endsWith(`/messages/${FIRST}`)
    );
    assert.match(String(edited[0]?.body["content"]), /^web is down\n-# h · 1 event · .*, ended/);
    assert.equal(await update(), undefined, "it is done");
    assert.equal(edited.length, 1);
  });

  const locked = { id: FIRST, type: 11, thread_metadata: { locked: true } };
  for (const [why, begins] of [["is locked", undefined], ["may not be", refused(403, 50_013)]]) {
    it(`is in the channel once its thread ${why}`, async () => {
      const { run, join, deliver, rows } = await setUp(() => locked, begins);
      const first = await run();
      await join(first);
      assert.match(
        String(rows("SELECT message FROM outbox")[0]?.["message"]),
        /"suppressesEmbeds":true/,
      );
      deliver();
      await join(first);
      for (let time = 0; time < 2; time++) assert.equal(await join(first), PLACE.channelId);
      assert.deepEqual(rows("SELECT thread FROM hook_incident"), [{ thread: "refused" }]);
    });
  }

  it("begins anew in the place of a changed config", async () => {
    const { store, run, join, deliver } = await setUp();
    const first = await run();
    await join(first);
    deliver();
    assert.equal(await join(first), FIRST);
    await store.hooks.refuse(first.messageId, "done");
    const there = { ...PLACE, channelId: channelId("1400000000000000802") } as never;
    assert.equal(await join(await run(), there), "waiting");
  });
});
