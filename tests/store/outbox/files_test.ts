import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DAY_MS } from "../../../src/lib/clock.ts";
import type { OutboundFile } from "../../../src/core/outbound/outbound.ts";
import { createStore } from "../../support/store/open_database.ts";
import { ACCOUNT, channelId, messageId, outboundMessage } from "../../support/discord/builders.ts";
import { batch, frozen, openTestStore } from "../../support/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const FILES: readonly OutboundFile[] = [
  {
    name: "Grüße 🐚.md",
    alt: "all of it",
    contentType: "text/markdown",
    bytes: new TextEncoder().encode("hello\n".repeat(1_000)),
  },
  { name: "empty", bytes: new Uint8Array(0) },
  { name: "raw.bin", bytes: Uint8Array.from({ length: 70_000 }, (_, index) => index % 251) },
];

async function openSending(nonce = "with") {
  const test = openTestStore();
  const { outbox } = test.store;
  const row = await outbox.add(frozen({ nonce }, { files: FILES }), NOW);
  const remaining = () => test.rows("SELECT * FROM outbox_file").length;
  return { ...test, outbox, row, remaining };
}

describe("filesOf()", () => {
  it("[R12] returns each file whole, in the order of sending", async () => {
    const { outbox, row } = await openSending();
    assert.equal(row.fileCount, 3);
    sameData(await outbox.filesOf(row), FILES);
    const [head] = await outbox.heads(ACCOUNT);
    sameData(await outbox.filesOf(head!), FILES);
  });

  it("[R12] keeps a spoiler, whether by its field or by the beginning of its name", async () => {
    const { outbox } = openTestStore().store;
    const bytes = new Uint8Array([1]);
    const files = [
      { name: "end.png", isSpoiler: true, bytes },
      { name: "SPOILER_old.png", bytes },
      { name: "SPOILER_", bytes },
    ];
    const row = await outbox.add(frozen({}, { files }), NOW);
    assert.deepEqual(
      (await outbox.filesOf(row)).map(({ name, isSpoiler }) => [name, isSpoiler]),
      [["end.png", true], ["old.png", true], ["SPOILER_", undefined]],
    );
  });

  it("[X2] keeps a file's texts whole that have a NUL in them", async () => {
    const { outbox } = openTestStore().store;
    const files = [{ name: "a\0b.md", alt: "c\0d", bytes: new Uint8Array([0, 1, 0]) }];
    const row = await outbox.add(frozen({}, { files }), NOW);
    sameData(await outbox.filesOf(row), [{ ...files[0], name: "ab.md", alt: "cd" }]);
  });
});

describe("the bytes of a file", () => {
  it("[X6] are deleted once Discord has them", async () => {
    const { outbox, row, remaining, rows } = await openSending();
    await outbox.markSending(row, NOW);
    assert.equal(remaining(), 3);
    await outbox.markSent(row, messageId("77"));
    assert.equal(remaining(), 0);
    assert.deepEqual(rows("SELECT file_count FROM outbox"), [{ file_count: 3 }]);
  });

  it("[X6] are deleted by the gateway's echo", async () => {
    const { store, remaining } = await openSending("with");
    const { channelId } = outboundMessage();
    const echoes = [{ nonce: "with", messageId: messageId("77"), channelId }];
    await store.inbox.acceptBatch(batch({ echoes }), NOW);
    assert.equal(remaining(), 0);
  });

  it("[X6] are deleted `mediaDays` after the message is dead, a few at a time", async () => {
    const retention = { decisionsDays: 0, contextDays: 0, mediaDays: 7, contextPerChannel: 9 };
    const { database, rows } = openTestStore();
    const store = createStore(database, ":memory:", { elapsed: () => 0, retention });
    const { outbox } = store;
    for (let index = 0; index < 7; index++) {
      const channel = { nonce: `n${index}`, channelId: channelId(String(index + 1)) };
      await outbox.add(frozen(channel, { files: FILES }), NOW);
    }
    const heads = await outbox.heads(ACCOUNT);
    for (const row of heads.slice(0, 5)) await outbox.markDead(row, "no");
    await outbox.markSending(heads[5]!, NOW);
    await outbox.markUncertain(heads[5]!, "unknown");
    const remaining = () =>
      rows("SELECT DISTINCT outbox_row AS id FROM outbox_file ORDER BY 1").map(({ id }) => id);
    await store.gateway.touchAlive(ACCOUNT, [], NOW + 7 * DAY_MS);
    assert.equal(remaining().length, 7);
    await store.gateway.touchAlive(ACCOUNT, [], NOW + 7 * DAY_MS + 1);
    assert.equal(remaining().length, 3);
    await store.gateway.touchAlive(ACCOUNT, [], NOW + 7 * DAY_MS + 1);
    assert.deepEqual(remaining(), [7], "unsent messages keep their files");
  });

  it("[X6] stay for ever if `mediaDays` is 0", async () => {
    const retention = { decisionsDays: 0, contextDays: 0, mediaDays: 0, contextPerChannel: 9 };
    const { database, rows } = openTestStore();
    const store = createStore(database, ":memory:", { elapsed: () => 0, retention });
    const row = await store.outbox.add(frozen({}, { files: FILES }), NOW);
    await store.outbox.markDead(row, "no");
    await store.gateway.touchAlive(ACCOUNT, [], NOW + 10_000 * DAY_MS);
    assert.equal(rows("SELECT * FROM outbox_file").length, 3);
  });
});
