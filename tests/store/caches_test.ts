import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCOUNT, channelId, directMessage, messageId } from "../support/discord/builders.ts";
import { accepted, batch, openTestStore } from "../support/store/store.ts";

const NOW = Date.UTC(2026, 10, 21);
const MIB = 1024 * 1024;

/** A direct message in its own channel. */
const dm = (number: number) =>
  accepted(
    directMessage({ id: messageId(`${10_000 + number}`), channelId: channelId(`${number}`) }),
    { agentId: "main", sessionKey: `session ${number}` },
  );

describe("[D1] caches()", () => {
  it("returns the bytes of each cache, 0 for an empty one", async () => {
    const { store } = openTestStore();
    const empty = {
      inbox: 0,
      open_turns: 0,
      quiet_channels: 0,
      reacted_channels: 0,
      spent_today: 0,
      told_people: 0,
      direct_channels: 0,
      transcripts: 0,
    };
    assert.deepEqual(store.caches(), empty);
    await store.inbox.claimNext(ACCOUNT, NOW, []); // fills the claim queue
    await store.inbox.acceptBatch(batch({ judged: [dm(1)] }), NOW);
    const { inbox = 0, direct_channels } = store.caches();
    assert.ok(inbox > 0 && inbox < 5_000);
    assert.equal(direct_channels, 120);
    await store.inbox.claimNext(ACCOUNT, NOW, []);
    assert.equal(store.caches()["inbox"], 0, "nothing waits");
  });

  it("keeps at most 16 MiB of transcripts, with long texts or without any", async () => {
    for (const text of ["x".repeat(100_000), "x", undefined]) {
      const { store, database } = openTestStore();
      const insert = database.prepare(
        `INSERT INTO entry (agent_id, session_key, channel_id, role, text, message_id, at)
         VALUES ('main', ?, '1', 'user', ?, '1', 0)`,
      );
      for (let number = 0; number < 45_000; number++) {
        const isLong = text !== undefined && text.length > 1;
        if (isLong && number === 200) break;
        if (text !== undefined) insert.run(`${number}`, text);
        await store.turns.entriesOf(`${number}`, 50);
      }
      const { transcripts = 0 } = store.caches();
      assert.ok(
        transcripts > 15 * MIB && transcripts <= 16 * MIB,
        `${text?.length}: ${transcripts}`,
      );
    }
  });
});
