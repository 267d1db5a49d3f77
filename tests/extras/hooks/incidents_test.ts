import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HookRun } from "../../../src/store/hooks/hooks.ts";
import { createIncidents } from "../../../src/extras/hooks/incidents.ts";
import { ACCOUNT, channelId, guildId, outboundMessage } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 10, 23);
const PLACE = {
  channelId: channelId("1400000000000000801"),
  guildId: guildId("1400000000000000001"),
  place: {
    kind: "guild",
    guild: { id: guildId("1400000000000000001"), name: "Krill" },
    channel: { id: channelId("1400000000000000801"), name: "ops" },
  },
} as const;

function setUp() {
  const { store, database } = openTestStore();
  const edited: object[] = [];
  let state: "open" | "gone" = "open";
  const incidents = createIncidents({
    accountId: ACCOUNT,
    store,
    now: () => NOW,
    log: recordingLog().log,
  }, {
    threads: {
      start: (_channel, first) => Promise.resolve({ threadId: first as never, existed: false }),
      archive: () => Promise.resolve(),
    },
    edit(id, { content }) {
      edited.push({ id, content });
      return Promise.resolve({ kind: "created", messageId: "1" as never });
    },
    stateOf: () => Promise.resolve(state),
    isRefused: () => false,
    compose: ({ runId = "", events, endedAt }) => ({
      message: outboundMessage({
        nonce: `first:${runId}`,
        channelId: PLACE.channelId,
        content: `${events} ${endedAt === undefined ? "open" : "ended"}`,
      }),
      files: [],
    }),
  });
  let number = 0;
  async function run(): Promise<HookRun> {
    const event = { hook: "h", key: "web", title: "web is down", text: "", post: "", isEnd: false };
    await store.hooks.accept({ ...event, accountId: ACCOUNT }, NOW, ++number);
    const run = await store.hooks.claim(ACCOUNT, "h", "web", NOW);
    assert.ok(run);
    return run;
  }
  const join = async (run: HookRun) => {
    const [event] = await store.hooks.eventsOf(run.messageId, 1);
    assert.ok(event);
    return await incidents.placeOf(run, event, PLACE);
  };
  const lose = () => void (state = "gone");
  return { store, database, run, join, edited, lose, update: incidents.update };
}

describe("[W6] createIncidents()", () => {
  it("posts events in the place if Discord lacks the first post, and begins another incident", async () => {
    const { store, database, run, join } = setUp();
    const first = await run();
    assert.deepEqual(await join(first), { kind: "waiting" });
    database.exec("UPDATE outbox SET state = 'dead'");
    for (const _ of ["once", "again after a crash"]) {
      assert.deepEqual(await join(first), { kind: "place", place: PLACE });
    }
    await store.hooks.refuse(first.messageId, "done");
    const second = await run();
    assert.deepEqual(await join(second), { kind: "waiting" });
    database.exec(
      "UPDATE outbox SET state = 'sent', message_id = '1400000000000000777' WHERE state = 'pending'",
    );
    const found = await join(second);
    assert.ok(found.kind === "place");
    assert.equal(found.place.channelId, "1400000000000000777");
  });

  it("brings the first post up to date if its thread is gone, without the events of the next", async () => {
    const { store, database, run, join, edited, lose, update } = setUp();
    const first = await run();
    await join(first);
    database.exec("UPDATE outbox SET state = 'sent', message_id = '1400000000000000777'");
    await join(first);
    await store.hooks.running(first.messageId);
    lose();
    assert.deepEqual(await join(await run()), { kind: "waiting" });
    await store.hooks.refuse(first.messageId, "done");
    await update();
    assert.deepEqual(edited, [{ id: "1400000000000000777", content: "1 ended" }]);
    assert.equal(await update(), undefined, "it is done");
  });
});
