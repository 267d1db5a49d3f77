import assert from "node:assert/strict";
import { it } from "node:test";
import type { Claim } from "../../src/core/inbound/inbox.ts";
import type { CrashHooks } from "../../src/store/database/commits.ts";
import { ACCOUNT, channelId, guildMessage, messageId } from "../support/discord/builders.ts";
import { createStore, openDatabase } from "../support/store/open_database.ts";
import { accepted, batch, frozen, heard } from "../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const CHANNEL = channelId("11");
const FIRST = 1_400_000_000_000_002_000n;

/** A store on its common path: it knows that no message waits. */
async function open(crash?: CrashHooks) {
  const database = openDatabase();
  const store = createStore(database, ":memory:", { elapsed: () => 0, ...(crash && { crash }) });
  await store.inbox.claimNext(ACCOUNT, NOW, []);
  await store.outbox.heads(ACCOUNT, [CHANNEL]);
  let said = 0;
  const route = { agentId: "main", sessionKey: "session" };
  return {
    store,
    database,
    rows: () => {
      return database.prepare("SELECT nonce, state FROM outbox ORDER BY nonce").all()
        .map(({ nonce, state }) => `${nonce} ${state}`);
    },
    say: (text = "hello", channel = CHANNEL) => {
      const id = messageId(String(FIRST + BigInt(++said)));
      const judged = [accepted(guildMessage({ id, channelId: channel, text }), route)];
      return store.inbox.acceptBatch(batch({ judged, heard: heard(said) }), NOW);
    },
    turn: (claim: Claim, nonce: string) =>
      store.turns.finishTurn({
        claim,
        end: { kind: "answered" },
        entries: [],
        outbox: [frozen({ nonce, channelId: claim.message.channelId })],
      }, NOW),
  };
}

it("[S5] the memory of the store › claims a released message again, even if memory was forgotten meanwhile", async () => {
  const { store, say } = await open();
  await say();
  const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
  const broken = { ...accepted(guildMessage()), route: undefined };
  // Undoes a transaction, so that the queue is filled from the tables.
  await assert.rejects(store.inbox.acceptBatch(batch({ judged: [broken as never] }), NOW));
  const released = store.inbox.release(claim);
  const early = await store.inbox.claimNext(ACCOUNT, NOW, []); // perhaps before the tables have it
  await released;
  const again = early ?? await store.inbox.claimNext(ACCOUNT, NOW, []);
  assert.equal(again?.message.id, claim.message.id);
});
