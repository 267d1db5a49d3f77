import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageId, UserId } from "../../../src/core/discord/ids.ts";
import { type Judged, NOTHING_ACCEPTED } from "../../../src/core/inbound/inbox.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { KnownFacts } from "../../../src/core/inbound/facts.ts";
import type { PluralkitAnswer, ProxiedMessage } from "../../../src/core/inbound/pluralkit.ts";
import type { UndecidedReason, Verdict } from "../../../src/core/inbound/verdict.ts";
import {
  createPluralkit,
  createProxiedUsers,
  ORIGINAL_MS,
  type UndecidedRow,
} from "../../../src/flows/inbound/pluralkit.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const ADA = userId("123456789012345678");
const original = guildMessage({ id: messageId("1400000000000000499"), text: "A: hello" });
const webhook = guildMessage({
  id: messageId("1400000000000000500"),
  sender: sender({ id: userId("777"), username: "Aria", automaton: "webhook" }),
});
const PROXIED: ProxiedMessage = {
  id: webhook.id,
  original: original.id,
  sender: ADA,
  channelId: webhook.channelId,
  member: { memberId: "abcde", name: "Aria", system: "The Crew" },
};
const FOUND: PluralkitAnswer = { kind: "found", proxied: PROXIED };

/** Accepts members and people, and no webhooks, as the policy would. */
function judge(
  { sender }: InboundMessage,
  known: KnownFacts,
): Pick<Judged, "verdict" | "knownFacts"> {
  const isBot = sender.automaton !== undefined;
  const verdict: Verdict = isBot
    ? { kind: "ignore", why: "webhook", rule: "r", keepAsContext: false }
    : { kind: "accept", why: "mentioned", rule: "r" };
  return { verdict, knownFacts: known };
}

const waits = (message: InboundMessage, why: UndecidedReason): Judged => ({
  message,
  verdict: { kind: "undecided", why, rule: "r" },
  knownFacts: { isProxied: true },
  policyId: 7,
});

interface World {
  readonly rows?: readonly UndecidedRow[];
  readonly proxied?: readonly UserId[];
  readonly lookUp?: (id: MessageId) => Promise<PluralkitAnswer>;
}

function setUp({ rows = [], proxied = [], lookUp = () => Promise.resolve(FOUND) }: World = {}) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const steps: string[] = [];
  const decided: Judged[] = [];
  const accepted: Judged[] = [];
  const store = { isFull: false };
  const refuse = () => Promise.reject(new Error("disk full"));
  const remembered = createProxiedUsers();
  const pluralkit = createPluralkit({
    accountId: ACCOUNT,
    proxied: remembered,
    store: {
      inbox: {
        undecided: () => Promise.resolve(rows.map((row) => ({ at: 0, ...row }))),
        proxied: () => Promise.resolve(proxied),
        decide(judged) {
          if (store.isFull) return refuse();
          steps.push(`decide ${judged.message.id} ${judged.verdict.why}`);
          decided.push(judged);
          const isAccepted = judged.verdict.kind === "accept";
          return Promise.resolve({ ...NOTHING_ACCEPTED, accepted: isAccepted ? [judged] : [] });
        },
        retract(_account, id, { why }) {
          if (store.isFull) return refuse();
          steps.push(`retract ${id} ${why}`);
          return Promise.resolve(true);
        },
        noteProxied(_account, userId) {
          steps.push(`note ${userId}`);
          return Promise.resolve();
        },
      },
    },
    lookUp: (id) => {
      steps.push(`ask ${id}`);
      return lookUp(id);
    },
    judge,
    route: () => ({ agentId: "main", sessionKey: "s" }),
    turns: { accepted: (judged) => accepted.push(...judged) },
    ruleOf: (path) => `${path} of work`,
    events: {
      emit: {
        accepted() {},
        unanswered: (messages) => steps.push(`unanswered ${messages.length}`),
        undecided: () => {},
      },
    },
    waiting: () => ({
      perUser: 3,
      perChannel: 8,
      turnsPerChannel: 1,
      refusal: () => [],
      isOwner: () => false,
    }),
    now: clock.now,
    schedule: clock.schedule,
    random: () => 0,
    log,
  });
  return { pluralkit, clock, lines, steps, decided, accepted, remembered, store };
}

describe("[P13] createPluralkit() › a webhook's message", () => {
  it("becomes its member's turn, after the original was retracted", async () => {
    const { pluralkit, steps, accepted } = setUp();
    pluralkit.undecided([waits(webhook, "pluralkit")], "live");
    await settle();
    assert.deepEqual(steps, [
      `ask ${webhook.id}`,
      `retract ${original.id} pk-original`,
      `decide ${webhook.id} mentioned`,
      `note ${ADA}`,
    ]);
    const [judged] = accepted;
    assert.equal(judged?.message.sender.id, ADA);
    assert.deepEqual(judged?.message.sender.pluralkit, PROXIED.member);
    assert.equal(judged?.message.sender.automaton, undefined);
    assert.deepEqual(judged?.knownFacts, { pluralkit: "found" });
    assert.deepEqual(judged?.route, { agentId: "main", sessionKey: "s" });
  });

  const bots: readonly [what: string, found: PluralkitAnswer, known: KnownFacts["pluralkit"]][] = [
    ["that PluralKit does not know", { kind: "none" }, "none"],
    ["of which it does not tell in time", { kind: "failed", reason: "HTTP 503" }, "failed"],
    ["of another channel", {
      kind: "found",
      proxied: { ...PROXIED, channelId: channelId("1") },
    }, "none"],
    ["that is another's", { kind: "found", proxied: { ...PROXIED, id: original.id } }, "none"],
  ];
  for (const [what, found, known] of bots) {
    it(`[SEC-R33] counts as a bot's message: ${what}`, async () => {
      const { pluralkit, steps, decided, accepted, remembered } = setUp({
        lookUp: () => Promise.resolve(found),
      });
      pluralkit.undecided([waits(webhook, "pluralkit")], "live");
      await settle();
      assert.deepEqual(steps, [`ask ${webhook.id}`, `decide ${webhook.id} webhook`]);
      assert.deepEqual(decided[0]?.knownFacts, { pluralkit: known });
      assert.equal(decided[0]?.route, undefined);
      assert.deepEqual(accepted, []);
      assert.ok(!remembered.has(ADA));
    });
  }

  it("marks its author as proxied from then on", async () => {
    const { pluralkit, remembered } = setUp();
    assert.ok(!remembered.has(ADA));
    pluralkit.undecided([waits(webhook, "pluralkit")], "live");
    await settle();
    assert.ok(remembered.has(ADA));
  });

  it("[X2] is decided once the store accepts it, in the same order", async () => {
    const { pluralkit, clock, steps, store } = setUp();
    store.isFull = true;
    pluralkit.undecided([waits(webhook, "pluralkit")], "live");
    await settle();
    assert.deepEqual(steps, [`ask ${webhook.id}`]);
    store.isFull = false;
    clock.advance(60_000);
    await settle();
    assert.deepEqual(steps.slice(1), [
      `retract ${original.id} pk-original`,
      `decide ${webhook.id} mentioned`,
      `note ${ADA}`,
    ]);
  });
});

describe("[P13] createPluralkit() › the original", () => {
  it("waits two seconds, and gets a turn if no message replaces it", async () => {
    const { pluralkit, clock, steps, decided } = setUp();
    pluralkit.undecided([waits(original, "pluralkit-original")], "live");
    clock.advance(ORIGINAL_MS - 1);
    await settle();
    assert.deepEqual(steps, []);
    clock.advance(1);
    await settle();
    assert.deepEqual(steps, [`decide ${original.id} mentioned`]);
    assert.deepEqual(decided[0]?.knownFacts, { isUnproxied: true });
    assert.equal(clock.pending, 0);
  });

  it("is ignored as soon as it is deleted, with its known facts", async () => {
    const { pluralkit, clock, steps, decided, accepted } = setUp();
    pluralkit.undecided([waits(original, "pluralkit-original")], "live");
    pluralkit.deleted([messageId("1"), original.id]);
    await settle();
    assert.deepEqual(steps, [`decide ${original.id} pk-original`]);
    const [judged] = decided;
    assert.ok(judged?.verdict.kind === "ignore" && !judged.verdict.keepAsContext);
    assert.equal(judged.verdict.rule, "channels.discord.pluralkit.enabled of work");
    assert.deepEqual([judged.knownFacts, judged.policyId], [{ isProxied: true }, 7]);
    clock.advance(ORIGINAL_MS);
    await settle();
    assert.deepEqual(accepted, []);
    assert.equal(clock.pending, 0);
  });

  it("is ignored if it was deleted before it was stored", async () => {
    const { pluralkit, steps, clock } = setUp();
    pluralkit.deleted([original.id]);
    pluralkit.undecided([waits(original, "pluralkit-original")], "live");
    await settle();
    assert.deepEqual(steps, [`decide ${original.id} pk-original`]);
    assert.equal(clock.pending, 0);
  });

  it("is ignored if PluralKit names it, before it arrives or after", async () => {
    for (const isLate of [false, true]) {
      const { pluralkit, clock, steps, accepted } = setUp();
      if (!isLate) pluralkit.undecided([waits(original, "pluralkit-original")], "live");
      pluralkit.undecided([waits(webhook, "pluralkit")], "live");
      await settle();
      if (isLate) pluralkit.undecided([waits(original, "pluralkit-original")], "live");
      await settle();
      clock.advance(ORIGINAL_MS);
      await settle();
      assert.deepEqual(accepted.map(({ message }) => message.id), [webhook.id]);
      assert.ok(steps.some((step) => step.endsWith(`${original.id} pk-original`)));
      assert.ok(!steps.includes(`decide ${original.id} mentioned`));
      assert.equal(clock.pending, 0);
    }
  });
});

describe("[P13] createPluralkit() › over a restart", () => {
  const other = guildMessage({ id: messageId("3") });
  const rows: readonly UndecidedRow[] = [
    { message: webhook, why: "pluralkit", origin: "replayed" },
    { message: other, why: "pluralkit-original", origin: "replayed" },
  ];

  it("continues with waiting messages, and an original waits anew", async () => {
    const { pluralkit, clock, accepted } = setUp({ rows });
    await pluralkit.start();
    clock.advance(ORIGINAL_MS - 1);
    await settle();
    const ids = () => accepted.map(({ message }) => message.id);
    assert.deepEqual(ids(), [webhook.id]);
    clock.advance(1);
    await settle();
    assert.deepEqual(ids(), [webhook.id, other.id]);
  });

  it("answers no message twice that was replaced according to the RESUME", async () => {
    const { pluralkit, clock, steps, accepted } = setUp({
      rows: [{ message: original, why: "pluralkit-original", origin: "replayed" }],
    });
    await pluralkit.start();
    clock.advance(500);
    pluralkit.deleted([original.id]);
    pluralkit.undecided([waits(webhook, "pluralkit")], "live");
    clock.advance(ORIGINAL_MS);
    await settle();
    assert.ok(steps.includes(`decide ${original.id} pk-original`));
    assert.deepEqual(accepted.map(({ message }) => message.id), [webhook.id]);
  });

  it("knows proxied people", async () => {
    const { pluralkit, remembered } = setUp({ proxied: [ADA] });
    await pluralkit.start();
    assert.ok(remembered.has(ADA));
  });

  it("decides nothing after stop, and leaves no timer", async () => {
    const answer = Promise.withResolvers<PluralkitAnswer>();
    const { pluralkit, clock, lines, steps } = setUp({ lookUp: () => answer.promise });
    pluralkit.undecided(
      [waits(webhook, "pluralkit"), waits(original, "pluralkit-original")],
      "live",
    );
    await pluralkit.stop();
    assert.equal(clock.pending, 0);
    answer.resolve({ kind: "failed", reason: "stopped" });
    pluralkit.undecided([waits(guildMessage(), "pluralkit-original")], "live");
    clock.advance(ORIGINAL_MS);
    await settle();
    assert.deepEqual(steps, [`ask ${webhook.id}`]);
    assert.deepEqual(lines, [], "nor reports undecided messages");
    assert.equal(clock.pending, 0);
  });
});
