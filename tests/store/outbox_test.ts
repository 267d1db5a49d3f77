import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toAccountId } from "../../src/core/ids.ts";
import type { OutboundMessage } from "../../src/core/outbound.ts";
import { prepareSettleEcho } from "../../src/store/echoes.ts";
import { createOutbox, prepareAddToOutbox } from "../../src/store/outbox.ts";
import {
  ACCOUNT,
  channelId,
  messageId,
  outboundMessage,
  roleId,
  userId,
} from "../support/builders.ts";
import { openDatabase } from "../support/open_database.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = toAccountId("second");
const ELSEWHERE = channelId("1400000000000000005");

function openOutbox(...messages: readonly OutboundMessage[]) {
  const database = openDatabase();
  prepareAddToOutbox(database)(messages, NOW);
  const outbox = createOutbox(database);
  const nonces = async (accountId = ACCOUNT) =>
    (await outbox.heads(accountId)).map(({ message }) => message.nonce);
  const stored = (nonce: string) => {
    const row = database.prepare(
      "SELECT state, message_id, first_attempt_at, refusal FROM outbox WHERE nonce = ?",
    ).get(nonce);
    return { ...row };
  };
  return { database, outbox, nonces, stored };
}

const first = outboundMessage({ nonce: "first" });
const second = outboundMessage({ nonce: "second" });

describe("createOutbox()", () => {
  it("[D1] gives back a message as it was frozen", async () => {
    const message = outboundMessage({
      pings: { users: [userId("1")], roles: [roleId("2")], quotedAuthor: true },
      quote: messageId("3"),
    });
    const [head] = await openOutbox(message).outbox.heads(ACCOUNT);
    assert.deepEqual(head, { id: 1, message });
  });

  it("[D1] keeps the order of a channel, and holds up no other", async () => {
    const elsewhere = outboundMessage({ nonce: "elsewhere", channelId: ELSEWHERE });
    const { outbox, nonces } = openOutbox(first, second, elsewhere);
    assert.deepEqual(await nonces(), ["first", "elsewhere"]);

    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSending(head!, 100);
    assert.deepEqual(await nonces(), ["first", "elsewhere"]);
    await outbox.markSent(head!, messageId("77"));
    assert.deepEqual(await nonces(), ["second", "elsewhere"]);
  });

  it("[C6] keeps the accounts apart", async () => {
    const { nonces } = openOutbox(first, { ...first, accountId: SECOND }, second);
    assert.deepEqual(await nonces(SECOND), ["first"]);
    assert.deepEqual(await nonces(), ["first"]);
  });

  it("[D2] takes a nonce once", () => {
    assert.throws(() => openOutbox(first, first), /UNIQUE/);
  });

  it("[D2] keeps the time of the first attempt", async () => {
    const { outbox } = openOutbox(first);
    for (const now of [100, 200]) {
      const [head] = await outbox.heads(ACCOUNT);
      assert.equal(await outbox.markSending(head!, now), true);
    }
    const [head] = await outbox.heads(ACCOUNT);
    assert.equal(head?.firstAttemptAt, 100);
  });

  it("[D5] lets a channel go on past what Discord will never take", async () => {
    const { outbox, nonces, stored } = openOutbox(first, second);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markDead(head!, "Missing Permissions");
    assert.deepEqual(await nonces(), ["second"]);
    assert.deepEqual(stored("first"), {
      state: "dead",
      message_id: null,
      first_attempt_at: null,
      refusal: "Missing Permissions",
    });
    assert.equal(await outbox.markSending(head!, NOW), false);
  });

  it("[D2] holds what nobody can tell of, and nothing behind it", async () => {
    const { outbox, nonces, stored } = openOutbox(first, second);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSending(head!, NOW);
    await outbox.markUncertain(head!);
    assert.equal(stored("first")["state"], "uncertain");
    assert.deepEqual(await nonces(), ["second"]);
    assert.equal(await outbox.markSending(head!, NOW), false);
  });

  it("[D2] takes back nothing that is settled", async () => {
    const { outbox, stored } = openOutbox(first);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSending(head!, NOW);
    assert.equal(await outbox.markSent(head!, messageId("77")), true);
    await outbox.markRefused(head!, "too late");
    await outbox.markDead(head!, "too late");
    await outbox.markUncertain(head!);
    assert.equal(await outbox.markSent(head!), false); // what is learned of the id is not forgotten
    assert.deepEqual(stored("first"), {
      state: "sent",
      message_id: "77",
      first_attempt_at: NOW,
      refusal: null,
    });
  });
});

describe("the order of an outbox", () => {
  const channels = ["1", "2", "3"].map(channelId);
  /** What can be done to a head, by whoever is at it. */
  const steps = ["send", "sent", "refused", "dead", "uncertain", "echo"] as const;

  it("[D1] is that of freezing within each channel, under any interleaving", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 12 }),
      fc.array(fc.tuple(fc.nat({ max: 2 }), fc.constantFrom(...steps)), { maxLength: 60 }),
      async (owners, actions) => {
        const messages = owners.map((owner, index) =>
          outboundMessage({ channelId: channels[owner]!, nonce: `n${index}` })
        );
        const { database, outbox } = openOutbox(...messages);
        const settleEcho = prepareSettleEcho(database);
        const left = new Map(
          channels.map((channel) =>
            [channel, messages.filter(({ channelId }) => channelId === channel)] as const
          ),
        );
        for (const [at, step] of actions) {
          const heads = await outbox.heads(ACCOUNT);
          const expected = [...left.values()].flatMap(([head]) => head ? [head.nonce] : []);
          assert.deepEqual(
            heads.map(({ message }) => message.nonce).toSorted(),
            expected.toSorted(),
          );

          const row = heads[at % Math.max(1, heads.length)];
          if (!row) break;
          const { channelId: channel, nonce } = row.message;
          const wasTried = row.firstAttemptAt !== undefined;
          switch (step) {
            case "send":
              await outbox.markSending(row, NOW);
              break;
            case "sent":
              await outbox.markSent(row, messageId("77"));
              break;
            case "refused":
              await outbox.markRefused(row, "later");
              break;
            case "dead":
              await outbox.markDead(row, "never");
              break;
            case "uncertain":
              await outbox.markUncertain(row);
              break;
            case "echo":
              settleEcho(ACCOUNT, { nonce, messageId: messageId("77"), channelId: channel });
              break;
          }
          const isOver = ["sent", "dead", "echo"].includes(step) ||
            (step === "uncertain" && wasTried);
          if (isOver) left.get(channel)!.shift();
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });
});
