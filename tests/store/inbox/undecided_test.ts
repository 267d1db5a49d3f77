import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Judged, NOTHING_CHANGED } from "../../../src/core/inbound/inbox.ts";
import { parseSnowflake, toAccountId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { UndecidedReason, Verdict } from "../../../src/core/inbound/inbox.ts";
import {
  ACCOUNT,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { challenged } from "../../support/discord/pairing.ts";
import {
  accepted,
  batch,
  frozen,
  ignored,
  openTestStore,
  ROUTE,
} from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = toAccountId("second");

/** The message from Discord: posted by a webhook. */
const PROXIED = guildMessage({
  id: messageId("1400000000000000101"),
  sender: sender({
    id: userId("55"),
    username: "Lily",
    automaton: "webhook",
    applicationId: parseSnowflake<"application">("466378653216014359")!,
  }),
  text: "a secret",
});
/** The message with PluralKit's explanation. */
const EXPLAINED: InboundMessage = {
  ...PROXIED,
  sender: sender({ pluralkit: { memberId: "abcde", name: "Lily" } }),
};
const PK_ORIGINAL = {
  kind: "ignore",
  why: "pk-original",
  rule: "channels.discord.pluralkit",
  keepAsContext: false,
} as const satisfies Verdict;

function undecided(message = PROXIED, why: UndecidedReason = "pluralkit"): Judged {
  return {
    message,
    verdict: { kind: "undecided", why, rule: "rule" },
    route: ROUTE,
    knownFacts: {},
    policyId: 3,
  };
}

const found = (message = EXPLAINED): Judged => ({
  ...accepted(message),
  knownFacts: { pluralkit: "found" },
  policyId: 4,
});

async function open(...judged: readonly Judged[]) {
  const test = openTestStore();
  const stored = await test.store.inbox.acceptBatch(batch({ judged }), NOW);
  const decisions = () =>
    test.rows("SELECT verdict, why, author_id, policy_row, at FROM decision ORDER BY id");
  return { ...test, stored, decisions };
}

/** The facts of the only decision. */
function decidedBy(rows: (sql: string) => readonly Record<string, unknown>[]): string {
  const [row] = rows("SELECT facts FROM decision");
  return String(row?.["facts"]);
}

describe("an undecided message in acceptBatch()", () => {
  it("[P1] is stored whole, and is in no inbox, context or count yet", async () => {
    const judged = undecided();
    const { store, stored, rows } = await open(judged);
    assert.deepEqual(stored.undecided, [judged]);
    assert.deepEqual(stored.accepted, []);
    assert.deepEqual(await store.inbox.undecided(ACCOUNT), [
      { message: PROXIED, why: "pluralkit", route: ROUTE, knownFacts: {}, policyId: 3, at: NOW },
    ]);
    assert.deepEqual(await store.inbox.undecided(SECOND), []);
    assert.deepEqual(rows("SELECT * FROM inbox"), []);
    assert.deepEqual(rows("SELECT * FROM message"), []);
    assert.deepEqual(await store.messages.verdictsAfter(0, 9), []);
    assert.deepEqual((await store.health()).decisions, []);
  });

  it("[G7] is not reported again when it is replayed", async () => {
    const { store } = await open(undecided());
    const again = await store.inbox.acceptBatch(batch({ judged: [undecided(), found()] }), NOW + 1);
    assert.deepEqual([again.undecided, again.accepted], [[], []]);
    assert.equal((await store.inbox.undecided(ACCOUNT)).length, 1);
  });
});

describe("decide()", () => {
  it("[P13] accepts the message as PluralKit explains it, with the facts that decided", async () => {
    const { store, decisions, rows } = await open(undecided());
    const result = await store.inbox.decide(found(), NOW + 5);
    assert.deepEqual(result, {
      accepted: [found()],
      settled: 0,
      settledIn: [],
      foreign: [],
      ...NOTHING_CHANGED,
      undecided: [],
      challenged: [],
      unanswered: [],
    });
    assert.deepEqual(await store.inbox.undecided(ACCOUNT), []);
    const why = { verdict: "accept", why: "mentioned", policy_row: 4, at: NOW + 5 };
    assert.deepEqual(decisions(), [{ ...why, author_id: EXPLAINED.sender.id }]);
    assert.match(decidedBy(rows), /"pluralkit":"found"/);
    const claim = await store.inbox.claimNext(ACCOUNT, NOW + 6, []);
    assert.deepEqual(claim?.message, EXPLAINED);
    assert.deepEqual((await store.health()).decisions, [
      { verdict: "accept", why: "mentioned", count: 1 },
    ]);
  });

  it("[P10] keeps messages with `keepAsContext` as context, and no other text", async () => {
    for (const keepAsContext of [true, false]) {
      const { store, rows } = await open(undecided());
      await store.inbox.decide(ignored(PROXIED, keepAsContext), NOW + 5);
      assert.equal(rows("SELECT * FROM message").length, keepAsContext ? 1 : 0);
      for (const table of ["decision", "undecided", "inbox"]) {
        assert.doesNotMatch(JSON.stringify(rows(`SELECT * FROM ${table}`)), /secret/);
      }
    }
  });

  it("[P1] changes no decided or unknown message", async () => {
    const { store, decisions } = await open(ignored(PROXIED));
    const before = decisions();
    const nothing = await store.inbox.decide(found(), NOW + 5);
    assert.deepEqual(nothing.accepted, []);
    assert.deepEqual(decisions(), before);
    const { store: empty, rows } = openTestStore();
    await empty.inbox.decide(found(), NOW);
    assert.deepEqual(rows("SELECT * FROM decision"), []);
    assert.deepEqual((await empty.health()).decisions, []);
  });

  it("[P1] may store another missing fact, and keeps the message's time of arrival", async () => {
    const { store, decisions } = await open(undecided());
    const next = undecided(EXPLAINED, "pluralkit-original");
    assert.deepEqual((await store.inbox.decide(next, NOW + 5)).undecided, [next]);
    const [kept] = await store.inbox.undecided(ACCOUNT);
    assert.deepEqual([kept?.why, kept?.message, kept?.at], ["pluralkit-original", EXPLAINED, NOW]);
    assert.equal(decisions()[0]?.["why"], "pluralkit-original");
    assert.deepEqual((await store.health()).decisions, []);
  });

  it("[P3] challenges no sender", async () => {
    const { store, decisions, rows } = await open(undecided());
    await store.inbox.decide({ ...challenged(PROXIED), offer: undefined }, NOW + 5);
    assert.equal(decisions()[0]?.["why"], "dm-not-allowed");
    assert.deepEqual(rows("SELECT * FROM pairing_request"), []);
  });
});

describe("retract()", () => {
  const ORIGINAL = guildMessage({ id: messageId("1400000000000000100"), text: "a secret" });

  it("[P13] takes back an undecided message", async () => {
    const { store, decisions } = await open(undecided(ORIGINAL, "pluralkit-original"));
    assert.equal(await store.inbox.retract(ACCOUNT, ORIGINAL.id, PK_ORIGINAL), true);
    assert.deepEqual(decisions(), [{
      verdict: "ignore",
      why: "pk-original",
      author_id: ORIGINAL.sender.id,
      policy_row: 3,
      at: NOW,
    }]);
    assert.deepEqual(await store.inbox.undecided(ACCOUNT), []);
    assert.deepEqual((await store.health()).decisions, [
      { verdict: "ignore", why: "pk-original", count: 1 },
    ]);
  });

  it("[P13] [P1] keeps the command of a replaced original, which no policy judges again", async () => {
    const { store, rows } = await open({
      ...undecided(ORIGINAL, "pluralkit-original"),
      command: "status",
    });
    assert.equal(await store.inbox.retract(ACCOUNT, ORIGINAL.id, PK_ORIGINAL), true);
    assert.equal(JSON.parse(decidedBy(rows)).command, "status");
  });

  it("[P13] takes an accepted message out of the inbox, and keeps its facts", async () => {
    const judged = { ...accepted(ORIGINAL), knownFacts: { isPaired: true }, policyId: 7 };
    const { store, decisions, rows } = await open(judged);
    const [seen] = await store.messages.verdictsAfter(0, 9);
    assert.equal(await store.inbox.retract(ACCOUNT, ORIGINAL.id, PK_ORIGINAL), true);
    assert.equal(await store.inbox.claimNext(ACCOUNT, NOW, []), undefined);
    assert.deepEqual(rows("SELECT * FROM inbox"), []);
    assert.equal(decisions()[0]?.["policy_row"], 7);
    const facts = decidedBy(rows);
    assert.deepEqual(JSON.parse(facts).knownFacts, { isPaired: true });
    assert.doesNotMatch(facts, /secret/);
    const [after] = await store.messages.verdictsAfter(seen!.id, 9);
    assert.equal(after?.why, "pk-original", "it is the newest");
    const replayed = await store.inbox.acceptBatch(batch({ judged: [judged] }), NOW + 1);
    assert.deepEqual(replayed.accepted, [], "it is not accepted again");
  });

  it("[P13] keeps a message in the inbox once a turn has begun", async () => {
    const { store, decisions } = await open(accepted(ORIGINAL));
    const before = decisions();
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    assert.equal(await store.inbox.retract(ACCOUNT, ORIGINAL.id, PK_ORIGINAL), false);
    await store.inbox.release(claim);
    assert.equal(await store.inbox.retract(ACCOUNT, ORIGINAL.id, PK_ORIGINAL), false);
    await store.inbox.claimNext(ACCOUNT, NOW, []);
    const end = { kind: "answered" } as const;
    const turn = { claim: { ...claim, attempt: 2 }, end, entries: [], outbox: [frozen()] };
    await store.turns.finishTurn(turn, NOW);
    assert.equal(await store.inbox.retract(ACCOUNT, ORIGINAL.id, PK_ORIGINAL), false);
    assert.deepEqual(decisions(), before);
  });

  it("[P13] changes no ignored or unknown message, and none of other accounts", async () => {
    const { store, decisions } = await open(ignored(ORIGINAL));
    const before = decisions();
    assert.equal(await store.inbox.retract(ACCOUNT, ORIGINAL.id, PK_ORIGINAL), false);
    assert.equal(await store.inbox.retract(ACCOUNT, messageId("5"), PK_ORIGINAL), false);
    const { store: other } = await open(accepted(ORIGINAL));
    assert.equal(await other.inbox.retract(SECOND, ORIGINAL.id, PK_ORIGINAL), false);
    assert.deepEqual(decisions(), before);
    assert.equal((await other.inbox.claimNext(ACCOUNT, NOW, []))?.message.id, ORIGINAL.id);
  });
});
