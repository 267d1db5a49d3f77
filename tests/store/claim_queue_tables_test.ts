import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccountId, toAccountId } from "../../src/core/discord/ids.ts";
import { ACCOUNT_MAX, SESSION_MAX } from "../../src/store/memory/backlog.ts";
import { ACCOUNT, guildMessage, messageId } from "../support/discord/builders.ts";
import {
  add,
  alone,
  claimOf,
  filled,
  inChannel,
  take,
  waiting,
} from "../support/store/claim_queue.ts";

const SECOND = toAccountId("second");
const inAccount = (accountId: AccountId) => guildMessage({ id: messageId("999999999"), accountId });

describe("createClaimQueue(), filled from the tables", () => {
  it("[D2] keeps a running turn claimed after another fill", () => {
    const queue = filled(inChannel(1, "11"), inChannel(2, "11"));
    const claim = claimOf(queue.take(ACCOUNT, alone, 0));
    queue.forget();
    assert.ok(queue.isStale);
    add(queue, 3, "12"); // the next fill will bring it
    assert.equal(queue.bytes(), 0);
    assert.deepEqual(queue.running(), ["1"]);
    queue.fill([inChannel(2, "11"), inChannel(3, "12")]);
    assert.ok(queue.isRunning(claim));
    assert.deepEqual([take(queue), take(queue)], ["3", undefined]);
    queue.end(claim);
    assert.equal(take(queue), "2");
  });

  it("[C6] voids the turns of one account", () => {
    const queue = filled(waiting(1, { accountId: SECOND }), inChannel(2, "12"));
    const [other, own] = [queue.take(SECOND, alone, 0), queue.take(ACCOUNT, alone, 0)]
      .map(claimOf);
    queue.void(SECOND);
    assert.deepEqual([queue.isRunning(other!), queue.isRunning(own!)], [false, true]);
  });

  it("[P13] removes a message only before its first turn", () => {
    const queue = filled(inChannel(1, "11"), inChannel(2, "12"), waiting(3, { attempts: 1 }));
    assert.equal(queue.remove(SECOND, messageId("1")), false, "of another account");
    assert.equal(queue.remove(ACCOUNT, messageId("1")), true);
    assert.equal(take(queue), "2");
    assert.equal(queue.remove(ACCOUNT, messageId("2")), false, "its turn runs");
    assert.equal(queue.remove(ACCOUNT, messageId("3")), false, "it had a turn");
    assert.equal(queue.remove(ACCOUNT, messageId("9")), false);
    queue.forget();
    assert.equal(queue.remove(ACCOUNT, messageId("9")), true, "only the tables can tell");
  });

  it("[D2] tells whether the tables have a message, and the number of its claims", () => {
    const queue = filled();
    queue.storing(messageId("1"));
    add(queue, 1, "11");
    assert.equal(queue.isStored(messageId("1")), false);
    queue.take(ACCOUNT, alone, 0);
    assert.deepEqual(queue.stored(messageId("1")), { attempt: 1 });
    assert.equal(queue.isStored(messageId("1")), true);
    assert.equal(queue.stored(messageId("2")), undefined);
  });

  it("keeps texts up to a limit, and leaves later ones to the tables", () => {
    const queue = filled();
    const text = "x".repeat(1024 * 1024);
    for (const id of [1, 2, 3]) add(queue, id, `1${id}`, text);
    const texts = [1, 2, 3].map(() => queue.take(ACCOUNT, alone, 0)?.message?.text.length);
    assert.deepEqual(texts, [text.length, text.length, undefined]);
  });

  it("[S5] keeps a limited part of each session, and reads the tables once it is empty", () => {
    const queue = filled();
    for (let id = 1; id <= SESSION_MAX + 1; id++) add(queue, id, "11");
    add(queue, 1_000, "12");
    let taken = 0;
    while (!queue.isStale) {
      queue.end(claimOf(queue.take(ACCOUNT, alone, 0)));
      taken++;
    }
    assert.ok(taken >= SESSION_MAX);
    queue.fill([inChannel(SESSION_MAX + 1, "11")]);
    assert.equal(take(queue), `${SESSION_MAX + 1}`);
  });

  it("[C6] keeps a limited part of each account, and room for the other accounts", () => {
    const queue = filled();
    for (let id = 1; id <= ACCOUNT_MAX + 1; id++) add(queue, id, `${100_000 + id}`, "");
    queue.add(inAccount(SECOND), { agentId: "main", sessionKey: "other" });
    assert.equal(queue.take(SECOND, alone, 0)?.accountId, SECOND);
    assert.ok(queue.bytes() < ACCOUNT_MAX * 2_000);
  });
});
