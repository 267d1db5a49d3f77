import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Entry } from "../../src/core/inbound/inbound.ts";
import { openDatabase } from "../../src/store/database/database.ts";
import { createStore } from "../support/store/open_database.ts";
import { ACCOUNT, channelId, guildMessage, messageId } from "../support/discord/builders.ts";
import { accepted, batch, frozen, part } from "../support/store/store.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 1);
const CHANNEL = channelId("11");
const OPTIONS = { elapsed: () => 0 };
const message = (number: number) =>
  guildMessage({ id: messageId(`14000000000000020${number}`), channelId: CHANNEL });

/** A bot's store in a file. Commands call the same methods over its socket. */
async function openBot(path: string) {
  const database = openDatabase(path, NOW);
  const store = createStore(database, path, OPTIONS);
  await store.inbox.claimNext(ACCOUNT, NOW, []);
  /** Accepts a message, and ends its turn with an answer of `parts` parts. */
  async function answer(number: number, parts: number): Promise<void> {
    const question = message(number);
    await store.inbox.acceptBatch(
      batch({ judged: [accepted(question)], heard: number }),
      NOW,
    );
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    const outbox = Array.from({ length: parts }, (_, index) =>
      frozen({
        channelId: CHANNEL,
        nonce: `${number}/${index}`,
        of: part(question.id, { part: index, parts }),
      }));
    const end = { kind: "answered" } as const;
    const stamp = { messageId: question.id, at: NOW };
    const entries: readonly Entry[] = [
      { role: "user", text: "asked", ...stamp },
      { role: "assistant", text: "answered", ...stamp },
    ];
    await store.turns.finishTurn({ claim, end, entries, outbox }, NOW);
  }
  const rows = (sql: string) => database.prepare(sql).all().map((row) => ({ ...row }));
  return { database, store, answer, rows };
}

describe("a command that changes the outbox of the running bot", () => {
  it("[D2] takes a number of its own, and leaves the parts of answers in order", async () => {
    using directory = tempDirectory();
    const { store, answer, rows } = await openBot(join(directory.path, "b.db"));
    await answer(1, 1);
    const [row] = await store.outbox.heads(ACCOUNT, [CHANNEL]);
    await store.outbox.markSending(row!, NOW);
    await store.outbox.markSent(row!, messageId("9"));
    await store.outbox.addAll([frozen({ channelId: channelId("12"), nonce: "by hand" })], NOW);
    await answer(2, 2);
    const nonces = rows("SELECT nonce FROM outbox ORDER BY id").map(({ nonce }) => nonce);
    assert.deepEqual(nonces, ["1/0", "by hand", "2/0", "2/1"]);
    const [byHand] = (await store.outbox.heads(ACCOUNT)).filter(({ message: { nonce } }) =>
      nonce === "by hand"
    );
    assert.equal(await store.outbox.markSending(byHand!, NOW), true);
    await store.outbox.markSent(byHand!, messageId("10"));
    assert.deepEqual(rows("SELECT nonce FROM outbox WHERE message_id = '10'"), [{
      nonce: "by hand",
    }]);
  });

  it("[D2] drops a message that the bot has in memory", async () => {
    using directory = tempDirectory();
    const { store, answer } = await openBot(join(directory.path, "b.db"));
    await answer(1, 2);
    const [first] = await store.outbox.heads(ACCOUNT, [CHANNEL]);
    await store.outbox.markSending(first!, NOW);
    const [, second] = await store.outbox.open(ACCOUNT);
    assert.equal(await store.outbox.release(second!.id, "drop"), true);
    await store.outbox.markSent(first!, messageId("9"));
    assert.deepEqual(await store.outbox.heads(ACCOUNT, [CHANNEL]), []);
  });
});

it("[X5] [D2] a command that forgets a person beside the running bot › leaves no unsent answer to them, not even in memory", async () => {
  using directory = tempDirectory();
  const { store, answer } = await openBot(join(directory.path, "b.db"));
  await store.outbox.heads(ACCOUNT, [CHANNEL]); // the channel is known, and empty
  await answer(1, 2);
  assert.equal((await store.outbox.heads(ACCOUNT, [CHANNEL])).length, 1);
  await store.forgetting.forget(message(1).sender.id, false);
  assert.deepEqual(await store.outbox.heads(ACCOUNT, [CHANNEL]), []);
});
