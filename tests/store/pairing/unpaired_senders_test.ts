import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import fc from "fast-check";
import { NOTHING_CHANGED } from "../../../src/core/inbound/inbox.ts";
import {
  CODE_LIFE_MS,
  CODES_WINDOW_MS,
  MAX_CODES,
  MAX_PENDING,
} from "../../../src/core/inbound/pairing.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { cases } from "../../support/long_form.ts";
import { createStore, openStore } from "../../support/store/open_database.ts";
import { ACCOUNT, messageId } from "../../support/discord/builders.ts";
import {
  challenged,
  codeNumber,
  PAIRING_RULE,
  strangersMessage,
} from "../../support/discord/pairing.ts";
import { accepted, batch, found, openTestStore } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = toAccountId("second");
const DECISIONS = "SELECT verdict, why FROM decision ORDER BY id";

/** A store with a function that accepts messages of unpaired senders, one at a time. */
function openPairing() {
  const test = openTestStore();
  let given = 0;
  /** An unpaired sender writes; the next code is that of the number of codes so far. */
  async function hear(who: number, number: number, now = NOW) {
    const judged = [challenged(strangersMessage(who, number), given)];
    const stored = await test.store.inbox.acceptBatch(found({ judged }), now);
    given += stored.challenged.length;
    return stored;
  }
  const whys = () => test.rows(DECISIONS).map(({ verdict, why }) => `${verdict} ${why}`);
  const approve = (code: string, now = NOW) =>
    test.store.pairing.decide({
      accountId: ACCOUNT,
      by: { code },
      how: "approve",
      decidedBy: "cli",
      now,
      notify: [],
    });
  return { ...test, given: () => given, hear, whys, approve };
}

describe("an unpaired sender's message in acceptBatch()", () => {
  it("[P3] makes a request, and adds the message with its code, in one transaction", async () => {
    const { store, rows } = openPairing();
    const one = challenged();
    const { challenged: requests, ...rest } = await store.inbox.acceptBatch(
      batch({ judged: [one] }),
      NOW,
    );
    const { message } = one;
    assert.deepEqual(requests, [{
      id: 1,
      accountId: ACCOUNT,
      userId: message.sender.id,
      username: "stranger0",
      channelId: message.channelId,
      messageId: message.id,
      code: codeNumber(0),
      buttons: { approve: "button-0", deny: "button-1" },
      createdAt: NOW,
      expiresAt: NOW + CODE_LIFE_MS,
    }]);
    assert.deepEqual(rest, {
      unanswered: [],
      accepted: [],
      settled: 0,
      settledIn: [],
      foreign: [],
      ...NOTHING_CHANGED,
      undecided: [],
    });
    const [head] = await store.outbox.heads(ACCOUNT);
    assert.equal(head?.message.content, `Your code: ${codeNumber(0)}`);
    assert.deepEqual(rows("SELECT * FROM inbox"), [], "the message itself is not processed");
    assert.deepEqual(await store.pairing.requests(ACCOUNT, NOW), requests);
    assert.deepEqual((await store.health()).decisions, [
      { verdict: "challenge", why: "pairing", count: 1 },
    ]);
  });

  it("[P3] gets another code an hour after the first, regardless of messages since", async () => {
    const { hear, store } = openPairing();
    await hear(0, 0);
    await hear(0, 1, NOW + CODE_LIFE_MS - 1);
    const { challenged: [second] } = await hear(0, 2, NOW + CODE_LIFE_MS);
    assert.equal(second?.code, codeNumber(1));
    assert.deepEqual(await store.pairing.requests(ACCOUNT, NOW + CODE_LIFE_MS), [second]);
  });

  it("[G7] makes no request for a message on record", async () => {
    const { hear, given, rows } = openPairing();
    await hear(0, 0);
    const before = ["decision", "pairing_request", "outbox"].map((name) =>
      rows(`SELECT * FROM ${name}`)
    );
    await hear(0, 0, NOW + CODE_LIFE_MS);
    assert.deepEqual(
      ["decision", "pairing_request", "outbox"].map((name) => rows(`SELECT * FROM ${name}`)),
      before,
    );
    assert.equal(given(), 1);
  });

  it("[P3] is accepted once the sender is paired, with the route of its verdict", async () => {
    const { hear, approve, whys, store, rows } = openPairing();
    await hear(0, 0);
    await approve(codeNumber(0));
    const { accepted: [one] } = await hear(0, 1);
    assert.deepEqual(one?.verdict, { kind: "accept", why: "dm-paired", rule: PAIRING_RULE });
    assert.deepEqual(one?.knownFacts, { isPaired: true });
    const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
    assert.equal(claim?.message.id, strangersMessage(0, 1).id);
    assert.equal(claim?.route.sessionKey, "agent:main:main");
    assert.deepEqual(whys(), ["challenge pairing", "accept dm-paired"]);
    const [, facts] = rows("SELECT facts FROM decision ORDER BY id");
    assert.match(String(facts?.["facts"]), /"isPaired":true/);
  });

  it("[P3] is ignored at once after a revoked pairing, without a new code", async () => {
    const { hear, approve, store, whys } = openPairing();
    await hear(0, 0);
    await approve(codeNumber(0));
    await hear(0, 1);
    const { id: userId } = strangersMessage(0).sender;
    const gone = await store.pairing.revoke(ACCOUNT, userId);
    assert.equal(gone?.userId, userId);
    assert.equal(await store.pairing.revoke(ACCOUNT, userId), undefined);
    await hear(0, 2);
    await hear(0, 3, NOW + CODE_LIFE_MS);
    assert.deepEqual(whys(), [
      "challenge pairing",
      "accept dm-paired",
      "ignore pairing-denied",
      "challenge pairing",
    ]);
  });

  it("[P3] is ignored after a denial until the hour is over", async () => {
    const { hear, store, whys } = openPairing();
    await hear(0, 0);
    await store.pairing.decide({
      accountId: ACCOUNT,
      by: { code: codeNumber(0) },
      how: "deny",
      decidedBy: "cli",
      now: NOW + 1,
      notify: [],
    });
    await hear(0, 1, NOW + CODE_LIFE_MS - 1);
    await hear(0, 2, NOW + CODE_LIFE_MS);
    assert.deepEqual(whys(), ["challenge pairing", "ignore pairing-denied", "challenge pairing"]);
  });

  it("[C6] counts for each account separately", async () => {
    const { store, hear } = openPairing();
    for (let who = 0; who < 12; who++) await hear(who, 0);
    const message = strangersMessage(0, 1, { accountId: SECOND });
    const { challenged: [request] } = await store.inbox.acceptBatch(
      found({ accountId: SECOND, judged: [challenged(message)] }),
      NOW,
    );
    assert.equal(request?.accountId, SECOND);
    assert.equal((await store.pairing.requests(SECOND, NOW)).length, 1);
  });

  it("[P3] is ignored without an offer", async () => {
    const { store, whys, rows } = openPairing();
    const { challenged: requests } = await store.inbox.acceptBatch(
      found({ judged: [{ ...challenged(), offer: undefined }] }),
      NOW,
    );
    assert.deepEqual(requests, []);
    assert.deepEqual(whys(), ["ignore dm-not-allowed"]);
    assert.deepEqual(rows("SELECT * FROM outbox"), []);
  });

  it("[D1] is not stored if its batch cannot be stored whole", async () => {
    const { store, rows } = openPairing();
    const broken = { ...accepted(), route: undefined };
    await assert.rejects(
      store.inbox.acceptBatch(found({ judged: [challenged(), broken] }), NOW),
    );
    for (const table of ["decision", "pairing_request", "outbox"]) {
      assert.deepEqual(rows(`SELECT * FROM ${table}`), [], table);
    }
  });

  it("[G14] is stored whole or not at all if the process dies", async () => {
    for (const moment of ["before", "after"] as const) {
      const { database, store, rows } = openTestStore({
        crash(when, name) {
          if (when === moment && name === "T1") throw new Error("killed");
        },
      });
      const killed = store.inbox.acceptBatch(
        found({ judged: [challenged()] }),
        NOW,
      );
      await assert.rejects(killed, /killed/);
      const expected = moment === "before" ? 0 : 1;
      for (const table of ["decision", "pairing_request", "outbox"]) {
        assert.equal(rows(`SELECT * FROM ${table}`).length, expected, `${moment} ${table}`);
      }
      const next = createStore(database, ":memory:", { elapsed: () => 0 });
      await next.inbox.acceptBatch(
        found({ judged: [challenged()] }),
        NOW + 1,
      );
      assert.equal((await next.pairing.unreported(ACCOUNT, NOW + 1)).length, 1);
      assert.equal((await next.outbox.open(ACCOUNT)).length, 1, "one message for one code");
    }
  });

  it("[P3] gets a new code after the clock was set back", async () => {
    const { hear, given, store } = openPairing();
    await hear(0, 0);
    await hear(0, 1, NOW - 5_000);
    assert.equal(given(), 1, "a step of seconds changes nothing");
    const dayBefore = NOW - 24 * CODE_LIFE_MS;
    assert.deepEqual(await store.pairing.requests(ACCOUNT, dayBefore), [], "no code lives a day");
    assert.equal((await hear(0, 2, dayBefore)).challenged.length, 1);
    assert.equal((await store.pairing.requests(ACCOUNT, dayBefore)).length, 1);
    assert.equal((await hear(0, 3, NOW + 5_000)).challenged.length, 1, "it is right again");
  });

  it("[P3] never exceeds one code per sender or the limits, under any schedule", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("hear" as const), who: fc.nat({ max: 30 }) }),
      fc.record({
        kind: fc.constant("decide" as const),
        code: fc.nat({ max: 30 }),
        ok: fc.boolean(),
      }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.nat({ max: CODE_LIFE_MS / 2 }) }),
    );
    const property = fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
      const { store, hear, rows } = openPairing();
      let now = NOW;
      const given: { readonly at: number; readonly userId: string }[] = [];
      for (const [number, one] of steps.entries()) {
        if (one.kind === "wait") now += one.ms;
        else if (one.kind === "hear") {
          for (const { userId } of (await hear(one.who, number, now)).challenged) {
            assert.ok(
              given.every((other) => other.userId !== userId || other.at <= now - CODE_LIFE_MS),
              "one code an hour",
            );
            given.push({ at: now, userId });
          }
        } else {
          const how = one.ok ? "approve" : "deny";
          const by = { code: codeNumber(one.code) };
          await store.pairing.decide({
            accountId: ACCOUNT,
            by,
            how,
            decidedBy: "cli",
            now,
            notify: [],
          });
        }
        const waiting = await store.pairing.requests(ACCOUNT, now);
        assert.ok(waiting.length <= MAX_PENDING);
        assert.equal(new Set(waiting.map(({ userId }) => userId)).size, waiting.length);
        const recent = given.filter(({ at }) => at > now - CODES_WINDOW_MS);
        assert.ok(recent.length <= MAX_CODES);
      }
      const told = rows("SELECT * FROM outbox").length;
      assert.equal(told, given.length, "one message for each code");
    });
    await fc.assert(property, { numRuns: cases(40) });
  });

  it("[SEC-R14] leaves few rows after a flood of 1,000 senders with 50 messages each", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const store = openStore(path, {
      now: NOW,
      elapsed: () => 0,
      retention: {
        decisionsDays: 30,
        decisionsMax: 2_000,
        contextDays: 14,
        mediaDays: 7,
        contextPerChannel: 200,
      },
    });
    let given = 0;
    const sizes: number[] = [];
    for (let number = 0; number < 50; number++) {
      for (let from = 0; from < 1_000; from += 50) {
        const judged = Array.from(
          { length: 50 },
          (_, index) =>
            challenged(
              strangersMessage(from + index, number, idAt(number, from + index)),
              given + index,
            ),
        );
        const stored = await store.inbox.acceptBatch(found({ judged }), NOW + number * 1_000);
        given += stored.challenged.length;
      }
      sizes.push(pagesOf(path));
    }
    assert.equal(given, MAX_CODES, "within one minute");
    assert.equal((await store.outbox.open(ACCOUNT)).length, MAX_CODES);
    assert.equal((await store.pairing.requests(ACCOUNT, NOW + 50_000)).length, MAX_CODES);
    assert.equal(await store.inbox.claimNext(ACCOUNT, NOW, []), undefined, "no turn");
    const { decisions } = await store.health();
    assert.equal(decisions.reduce((sum, { count }) => sum + count, 0), 50_000);
    const [after10 = 0, after50 = 0] = [sizes[9], sizes[49]];
    assert.ok(after50 < after10 * 1.2, `the file grows with the flood: ${after10}, ${after50}`);
    store.close();
  });
});

/** The id of a message that is sent a second after another one. */
function idAt(second: number, ms: number) {
  return {
    id: messageId(String(1_400_000_000_000_000_000n + (BigInt(second * 1_000 + ms) << 22n))),
  };
}

/** Pages of a database, including those in its log. */
function pagesOf(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return Number(database.prepare("PRAGMA page_count").get()?.["page_count"]);
  } finally {
    database.close();
  }
}

describe("[P5] an unpaired sender in a group DM in acceptBatch()", () => {
  const inGroup = (number: number) =>
    challenged({ ...strangersMessage(1, number), place: { kind: "group_dm" } });

  it("gets no code, and leaves no request", async () => {
    const { store, whys } = openPairing();
    const stored = await store.inbox.acceptBatch(batch({ judged: [inGroup(1)] }), NOW);
    assert.deepEqual([stored.accepted, stored.challenged], [[], []]);
    assert.deepEqual(whys(), ["ignore dm-not-allowed"]);
    assert.deepEqual(await store.pairing.requests(ACCOUNT, NOW), []);
  });

  it("is accepted once paired", async () => {
    const { store, hear, approve, whys } = openPairing();
    const { challenged: [request] } = await hear(1, 1);
    await approve(request?.code ?? "");
    const { accepted } = await store.inbox.acceptBatch(
      batch({ judged: [inGroup(2)] }),
      NOW,
    );
    assert.equal(accepted.length, 1);
    assert.deepEqual(whys().at(-1), "accept group-dm-allowed");
  });
});
