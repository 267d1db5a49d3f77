import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import {
  afterDelivery,
  type AttemptFacts,
  type Delivery,
  type DeliveryStep,
  earliestTimeOf,
  isSame,
  type MissingHere,
  type Next,
  type Posted,
  type RefusalSubject,
  sendWaitMs,
  stepFor,
  subjectOf,
} from "../../../src/core/outbound/outbound.ts";
import type { AnswerPart, OutboxAction, OutboxRow } from "../../../src/core/outbound/outbound.ts";
import { messageId, messageIdAt, outboundMessage, userId } from "../../support/discord/builders.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const WINDOW_MS = 60_000;
const ID = messageId("77");
const EDIT: OutboxAction = { kind: "edit", messageId: ID };
const DELETE: OutboxAction = { kind: "delete", messageId: ID };
const RETRY = { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0 };

function row(fields: Partial<OutboxRow> = {}): OutboxRow {
  return { id: 1, message: outboundMessage(), fileCount: 0, action: { kind: "post" }, ...fields };
}

function facts(fields: Partial<AttemptFacts> = {}): AttemptFacts {
  const common = { failed: 1, served: 0, now: NOW, random: 0.5, retry: RETRY };
  return { ...common, nonceWindowMs: WINDOW_MS, ...fields };
}

describe("[D2] stepFor()", () => {
  const post = (notAfter: number): DeliveryStep => ({ kind: "post", notAfter });
  const steps: readonly [what: string, row: OutboxRow, step: DeliveryStep][] = [
    ["posts an untried message", row(), post(NOW + WINDOW_MS)],
    ["counts from the first attempt", row({ firstAttemptAt: NOW - 40_000 }), post(NOW + 20_000)],
    ["relies on the nonce until its end", row({ firstAttemptAt: NOW - 59_999 }), post(NOW + 1)],
    ["looks once Discord may have forgotten the nonce", row({ firstAttemptAt: NOW - 60_000 }), {
      kind: "look",
    }],
    ["looks after a day", row({ firstAttemptAt: NOW - DAY_MS }), { kind: "look" }],
    ["tolerates a clock a little off", row({ firstAttemptAt: NOW + 5_000 }), post(NOW + 65_000)],
    ["looks if the clock was set back", row({ firstAttemptAt: NOW + 5_001 }), { kind: "look" }],
    ["edits at any age", row({ action: EDIT, firstAttemptAt: NOW - DAY_MS }), EDIT],
    ["deletes at any age", row({ action: DELETE, firstAttemptAt: NOW + DAY_MS }), DELETE],
    ["needs no request for an unposted draft", row({ action: { kind: "nothing" } }), {
      kind: "nothing",
    }],
  ];
  for (const [what, given, step] of steps) {
    it(
      what,
      () =>
        assert.deepEqual(
          stepFor(given, NOW, WINDOW_MS, 0),
          step,
        ),
    );
  }

  it("looks for messages sent before the machine was off, since its clock may have stood still", () => {
    const step = (fields = {}) => stepFor(row(fields), NOW, WINDOW_MS, NOW - 5_000);
    const tried = (msAgo: number) => step({ firstAttemptAt: NOW - msAgo });
    assert.deepEqual(tried(5_001), { kind: "look" });
    assert.deepEqual(tried(5_000), post(NOW + 55_000));
    assert.deepEqual(step(), post(NOW + WINDOW_MS));
  });

  it("never posts a message that may be older than the window", () => {
    fc.assert(fc.property(fc.integer({ min: -1e7, max: 1e7 }), fc.nat(600_000), (age, windowMs) => {
      const step = stepFor(row({ firstAttemptAt: NOW - age }), NOW, windowMs, 0);
      assert.equal(step.kind === "post", age < windowMs && age >= -5_000);
      if (step.kind === "post") assert.equal(step.notAfter, NOW - age + windowMs);
    }));
  });
});

const again = (waitMs: number, isAttempt = true): Next => ({
  kind: "again",
  waitMs,
  reason: "because",
  isAttempt,
});
const refused = (
  why: Extract<Delivery, { kind: "refused" }>["why"],
  more: { code?: number; retryAfterMs?: number } = {},
): Delivery => ({ kind: "refused", why, reason: "because", ...more });
const UNANSWERED: Delivery = { kind: "unanswered", reason: "because" };
const UNSENT: Delivery = { kind: "unsent", reason: "because" };
const UNREAD: Delivery = { kind: "unread", why: "unreachable", reason: "because" };

describe("[D5] afterDelivery()", () => {
  const fresh = row();
  const old = row({ failingSince: NOW - DAY_MS });
  const oldAndOpen = row({ failingSince: NOW - DAY_MS, firstAttemptAt: NOW - 3_600_000 });
  const park: Next = { kind: "park", reason: "because", end: "dead" };
  const parkFor = (code: number): Next => ({ kind: "park", reason: "because", end: "dead", code });
  const dead: Next = { kind: "dead", reason: "because" };
  const uncertain: Next = { kind: "uncertain", reason: "because" };
  const table: readonly [what: string, row: OutboxRow, delivery: Delivery, next: Next][] = [
    ["goes on after a created message", fresh, { kind: "created", messageId: ID }, { kind: "on" }],
    ["goes on after a deleted message", fresh, { kind: "already_gone" }, { kind: "on" }],
    ["goes on after an echo", fresh, { kind: "settled" }, { kind: "on" }],
    ["goes on if there was nothing to do", fresh, { kind: "nothing" }, { kind: "on" }],
    ["goes on after a found message", fresh, { kind: "found", messageId: ID }, { kind: "on" }],
    ["sends an absent message at once", old, { kind: "absent" }, { kind: "on" }],
    ["holds an uncertain message", fresh, { kind: "uncertain", reason: "because" }, uncertain],

    ["asks again without an answer", fresh, UNANSWERED, again(500)],
    ["asks again without a connection", fresh, UNSENT, again(500)],
    ["looks again without an answer", fresh, UNREAD, again(500)],
    ["gives up after a day", old, UNSENT, dead],
    ["does not report a message as lost that Discord may have", old, UNANSWERED, uncertain],
    ["nor one that an earlier attempt may have created", oldAndOpen, UNSENT, uncertain],
    ["nor one that it cannot look for", oldAndOpen, UNREAD, uncertain],
    ["but reports an edit", { ...oldAndOpen, action: EDIT }, UNANSWERED, dead],
    ["and reports a deletion", { ...oldAndOpen, action: DELETE }, UNANSWERED, dead],

    ["waits as long as Discord says", fresh, refused("rate_limited", { retryAfterMs: 7_200_000 }), {
      ...again(7_200_000, false),
    }],
    ["even over a day", old, refused("rate_limited", { retryAfterMs: 1 }), again(1, false)],
    ["waits if Discord names no time", fresh, refused("rate_limited"), again(500)],
    ["but not for ever", old, refused("rate_limited"), dead],
    ["changes nothing without a valid token", old, refused("unauthorized"), again(2_000)],
    ["gives up an invalid message", fresh, refused("rejected", { code: 50006 }), dead],
    ["gives up any invalid request", fresh, refused("rejected"), dead],

    ["parks without a permission", fresh, refused("forbidden", { code: 50013 }), parkFor(50013)],
    ["parks a deleted channel", fresh, refused("not_found", { code: 10003 }), parkFor(10003)],
    ["ends at a user who accepts none", fresh, refused("rejected", { code: 50007 }), dead],
    ["parks an archived thread", fresh, refused("rejected", { code: 50083 }), parkFor(50083)],
    ["parks a locked thread", fresh, refused("rejected", { code: 160005 }), parkFor(160005)],
    [
      "tries soon again in a post whose author has not written yet",
      fresh,
      refused("forbidden", { code: 40058 }),
      again(500),
    ],
    ["parks for a day", old, refused("forbidden"), dead],
    ["a thread too", old, refused("rejected", { code: 50083 }), dead],
    ["parks a message that Discord may have", oldAndOpen, refused("not_found"), uncertain],

    [
      "parks a message that it cannot look for",
      fresh,
      { ...UNREAD, why: "forbidden" },
      { ...park, end: "uncertain" },
    ],
    ["waits to look", fresh, { ...UNREAD, why: "rate_limited", retryAfterMs: 9 }, again(9, false)],
    ["waits to look without a token", fresh, { ...UNREAD, why: "unauthorized" }, again(500)],
    ["holds it if Discord refuses the history", fresh, { ...UNREAD, why: "rejected" }, uncertain],
  ];
  for (const [what, given, delivery, next] of table) {
    const failed = given.failingSince === undefined ? 1 : RETRY.attempts;
    it(what, () => sameData(afterDelivery(given, delivery, facts({ failed })), next));
  }

  it("does not give up at the first failure, even if a day seems over", () => {
    for (const delivery of [UNANSWERED, UNSENT, UNREAD, refused("rate_limited")]) {
      assert.equal(afterDelivery(old, delivery, facts({ failed: 2 })).kind, "again");
    }
  });

  it("retries while the nonce is valid, even if retries are slow", () => {
    const slow = facts({ failed: 30 });
    assert.deepEqual(afterDelivery(fresh, UNANSWERED, slow), again(15_000));
    assert.deepEqual(
      afterDelivery(fresh, UNANSWERED, { ...slow, nonceWindowMs: 2_000 }),
      again(500),
    );
    assert.deepEqual(afterDelivery(fresh, UNSENT, slow), again(300_000));
    assert.deepEqual(afterDelivery(fresh, UNREAD, slow), again(300_000));
    assert.deepEqual(afterDelivery({ ...fresh, action: EDIT }, UNANSWERED, slow), again(300_000));
  });

  it("grows the delays once Discord has forgotten the nonce of the first attempt", () => {
    const since = (msAgo: number) => row({ failingSince: NOW - msAgo });
    const slow = facts({ failed: 9 });
    assert.deepEqual(afterDelivery(since(WINDOW_MS - 1), UNANSWERED, slow), again(15_000));
    assert.deepEqual(afterDelivery(since(WINDOW_MS), UNANSWERED, slow), again(128_000));
  });

  it("sets a message aside that failed 10 times over 10 minutes, if only it fails", () => {
    const since = (minutes: number) => row({ failingSince: NOW - minutes * 60_000 });
    const ended = (
      given: OutboxRow,
      failed: number,
      served: number,
      delivery: Delivery = UNANSWERED,
    ) => afterDelivery(given, delivery, facts({ failed, served }));
    const aside = ended(since(10), 10, 3);
    assert.ok(aside.kind === "uncertain");
    assert.match(aside.reason, /^set aside after 10 failed attempts, .*: because$/);
    assert.equal(ended(since(9.9), 10, 3).kind, "again");
    assert.equal(ended(since(10), 9, 3).kind, "again");
    assert.equal(ended(since(600), 100, 2).kind, "again", "an outage of Discord");
    assert.equal(ended(since(10), 10, 3, refused("rate_limited")).kind, "dead");
    assert.equal(ended({ ...since(10), action: EDIT }, 10, 3).kind, "dead");
  });

  it("gives up no message within a day", () => {
    const almost = row({ failingSince: NOW - DAY_MS + 1 });
    for (const delivery of [UNANSWERED, UNSENT, UNREAD, refused("rate_limited")]) {
      assert.equal(afterDelivery(almost, delivery, facts()).kind, "again");
    }
    assert.equal(afterDelivery(almost, refused("forbidden"), facts()).kind, "park");
  });

  it("never gives up because a clock was set back", () => {
    const ahead = row({ failingSince: NOW + DAY_MS });
    assert.equal(afterDelivery(ahead, UNSENT, facts()).kind, "again");
  });
});

describe("[D5] sendWaitMs()", () => {
  const waits = (retry: AttemptFacts["retry"], count: number, random = 0.5) =>
    Array.from({ length: count }, (_, at) => sendWaitMs(facts({ failed: at + 1, retry, random })));

  it("is short for the config's attempts, then doubles", () => {
    assert.deepEqual(waits(RETRY, 5), [500, 1_000, 2_000, 4_000, 8_000]);
    assert.deepEqual(waits({ ...RETRY, attempts: 6, maxDelayMs: 1_500 }, 8), [
      ...[500, 1_000, 1_500, 1_500, 1_500],
      ...[1_500, 3_000, 6_000],
    ]);
    assert.deepEqual(waits(RETRY, 14).at(-1), 300_000);
  });

  it("is drawn around that delay", () => {
    const drawn = { ...RETRY, jitter: 0.1 };
    assert.deepEqual(waits(drawn, 2, 0), [450, 900]);
    assert.deepEqual(waits(drawn, 2, 0.999_999), [550, 1_100]);
  });

  it("stays within bounds for any config", () => {
    const retry = fc.record({
      attempts: fc.integer({ min: 1, max: 20 }),
      minDelayMs: fc.nat(60_000),
      maxDelayMs: fc.nat(600_000),
      jitter: fc.double({ min: 0, max: 0.5, noNaN: true }),
    });
    fc.assert(fc.property(retry, fc.integer({ min: 1, max: 5_000 }), (rules, failed) => {
      const waitMs = sendWaitMs(facts({ failed, retry: rules, random: 0 }));
      assert.ok(Number.isInteger(waitMs) && waitMs <= 600_000);
      if (failed >= rules.attempts) assert.ok(waitMs >= 500);
    }));
  });
});

describe("[D5] subjectOf()", () => {
  type Case = readonly [
    what: string,
    code: number | undefined,
    files: number,
    MissingHere,
    RefusalSubject,
  ];
  const table: readonly Case[] = [
    ["parks without a permission for all messages", 50013, 0, "other", "place"],
    ["parks a file's channel without that permission", 50013, 1, "other", "place"],
    ["[R12a] removes a file that may not be attached", 50013, 1, "files", "files"],
    ["[R12a] tries a message without its files if nothing is missing", 50013, 1, "none", "files"],
    ["sets a message aside if nothing is missing", 50013, 0, "none", "message"],
    ["does so without a code of Discord's", undefined, 0, "none", "message"],
    ["does so after a 404", 10015, 0, "none", "message"],
    ["parks if the permissions are unknown", 50013, 0, "unknown", "place"],
    ["sets aside a person who accepts no messages", 50007, 0, "unknown", "message"],
    ["parks a locked thread", 160005, 1, "none", "place"],
    ["sets aside a message for an unknown channel", 10003, 0, "unknown", "message"],
    ["parks a guild's verification level", 50009, 0, "none", "place"],
    ["sets aside what AutoMod blocks", 200000, 0, "unknown", "message"],
    ["sets aside a harmful link", 240000, 0, "unknown", "message"],
  ];
  for (const [what, code, fileCount, missing, expected] of table) {
    it(what, () => assert.equal(subjectOf({ code, fileCount }, missing), expected));
  }
});

const ASKED_AT = NOW - 3_600_000;
const OF: AnswerPart = {
  cause: messageIdAt(ASKED_AT),
  revision: 0,
  kind: "reply",
  part: 0,
  parts: 1,
};

function posted(fields: Partial<Posted> = {}): Posted {
  return {
    id: messageId("77"),
    authorId: userId("5"),
    content: "hello, Ada",
    fileSizes: [],
    ...fields,
  };
}

const draft = (content: string) => outboundMessage({ content, of: { ...OF, kind: "draft" } });

describe("[D2] isSame()", () => {
  const quote = messageId("7");
  const sent = outboundMessage();
  const table: readonly [what: string, is: boolean, ...Parameters<typeof isSame>][] = [
    ["the same text", true, sent, [], posted()],
    ["other words", false, sent, [], posted({ content: "hello, Bob" })],
    ["the beginning of them", false, sent, [], posted({ content: "hello" })],
    [
      "ends that Discord trims",
      true,
      outboundMessage({ content: "\n  a\r\nb\n " }),
      [],
      posted({ content: "a\nb" }),
    ],
    ["spaces within", false, outboundMessage({ content: "a  b" }), [], posted({ content: "a b" })],
    ["a quote", true, outboundMessage({ quote }), [], posted({ quote })],
    ["a deleted quote", true, outboundMessage({ quote }), [], posted()],
    ["another quote", false, outboundMessage({ quote }), [], posted({ quote: messageId("8") })],
    ["an unexpected quote", false, sent, [], posted({ quote })],
    ["a file", true, sent, [3], posted({ fileSizes: [3] })],
    ["another file", false, sent, [3], posted({ fileSizes: [4] })],
    ["a missing file", false, sent, [3], posted()],
    ["an extra file", false, sent, [], posted({ fileSizes: [3] })],
    ["files in turn", false, sent, [3, 4], posted({ fileSizes: [4, 3] })],
    ["a grown draft", true, draft("So …"), [], posted({ content: "So, and on" })],
    ["a draft as it was posted", true, draft("So …"), [], posted({ content: "So …" })],
    ["another draft", false, draft("It began so …"), [], posted({ content: "Once upon a time" })],
    ["an empty draft", false, draft("…"), [], posted()],
  ];
  for (const [what, is, ...given] of table) {
    it(`says ${is} of ${what}`, () => assert.equal(isSame(...given), is));
  }
});

describe("[D2] earliestTimeOf()", () => {
  const row = (fields: Partial<OutboxRow>): OutboxRow => ({
    id: 1,
    message: outboundMessage({ of: OF }),
    fileCount: 0,
    action: { kind: "post" },
    ...fields,
  });
  const bare = outboundMessage();
  const before = (ms: number) => ms - 600_000;
  const reaches: readonly [string, OutboxRow, ReturnType<typeof earliestTimeOf>][] = [
    [
      "reads the answered message's time, by Discord's clock",
      row({ firstAttemptAt: NOW - 60_000 }),
      { from: ASKED_AT, orFrom: before(NOW - 60_000) },
    ],
    [
      "reads the first attempt's time without an answered message",
      row({ firstAttemptAt: NOW - 60_000, message: bare }),
      { from: before(NOW - 60_000), orFrom: before(NOW - 60_000) },
    ],
    [
      "ignores a clock that was set back",
      row({ firstAttemptAt: NOW + 60_000 }),
      { from: ASKED_AT, orFrom: -Infinity },
    ],
    [
      "knows no time then for a message that answers nothing",
      row({ firstAttemptAt: NOW + 60_000, message: bare }),
      { from: -Infinity, orFrom: -Infinity },
    ],
  ];
  for (const [what, given, reach] of reaches) {
    it(what, () => assert.deepEqual(earliestTimeOf(given, NOW), reach));
  }
});
