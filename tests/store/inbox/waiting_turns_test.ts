import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { Judged, WaitingRules } from "../../../src/core/inbound/inbox.ts";
import { waitingLimitsOf } from "../../../src/flows/inbound/stored.ts";
import { createStore } from "../../support/store/open_database.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildMessage,
  messageId,
  userId,
} from "../../support/discord/builders.ts";
import { accepted, batch, found, openTestStore } from "../../support/store/store.ts";
import type { Store } from "../../../src/store/store.ts";

const NOW = Date.UTC(2026, 10, 21);
const OWNER = "99";
const SECOND = toAccountId("second");
const WAITING: WaitingRules = {
  perUser: 3,
  perChannel: 8,
  turnsPerChannel: 1,
  isOwner: ({ sender }) => sender.id === OWNER,
};
const CATCH_UP = { enabled: true, maxPerChannel: 20 };
const DECISIONS =
  "SELECT message_id, verdict || ': ' || why AS verdict, rule FROM decision ORDER BY message_id";

let lastId = 1_400_000_000_000_001_000n;
/** Between the ids of two messages that were sent a millisecond apart. */
const MILLISECOND = 1n << 22n;

/** A question, from grace in channel 11 by default. */
function question(fields: { readonly user?: string; readonly channel?: string } = {}): Judged {
  const { user = "1", channel = "11" } = fields;
  const id = messageId(String(lastId += MILLISECOND));
  const sender = { id: userId(user), username: `user${user}`, roles: [] };
  return accepted(guildMessage({ id, channelId: channelId(channel), sender }), {
    agentId: "main",
    sessionKey: `session ${channel}`,
  });
}

const times = (count: number, make: (index: number) => Judged) =>
  Array.from({ length: count }, (_, index) => make(index));

function setUp() {
  const opened = openTestStore();
  const { rows } = opened;
  let { store } = opened;
  let seq = 0;
  const told: string[] = [];
  async function take(
    judged: readonly Judged[],
    fields: Partial<Parameters<typeof batch>[0]> = {},
  ) {
    const input = batch({ judged, waiting: WAITING, heard: ++seq, ...fields });
    const stored = await store.inbox.acceptBatch(input, NOW);
    told.push(...stored.unanswered.map(({ id }) => id));
    return stored;
  }
  return {
    ...opened,
    take,
    /** Opens the same database again, as the next process does. */
    restart() {
      store = createStore(opened.database, ":memory:", { elapsed: () => 0 });
    },
    async answer(): Promise<InboundMessage | undefined> {
      const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
      if (!claim) return undefined;
      const turn = { claim, end: { kind: "declined" }, entries: [], outbox: [] } as const;
      assert.ok(await store.turns.finishTurn(turn, NOW));
      return claim.message;
    },
    inbox: () =>
      rows("SELECT message_id FROM inbox ORDER BY id").map(({ message_id }) => message_id),
    /** The messages of people that get no answer. */
    told: (): readonly string[] => told,
    whyOf: (judged: Judged) =>
      rows(DECISIONS).find(({ message_id }) => message_id === judged.message.id),
    current: (): Store => store,
  };
}

describe("[X4] acceptBatch() › waiting turns of a sender", () => {
  it("counts no turn that ended before the tables have its message", async () => {
    const { take, answer, told } = setUp();
    for (const judged of times(6, () => question())) {
      await take([judged]);
      assert.equal((await answer())?.id, judged.message.id);
    }
    assert.equal((await take([question()])).accepted.length, 1);
    assert.deepEqual(told(), []);
  });

  it("refuses the fifth open one, on record, and tells the caller", async () => {
    const { take, inbox, told, whyOf } = setUp();
    for (const judged of times(4, () => question())) await take([judged]);
    const fifth = question();
    const { accepted: none, unanswered } = await take([fifth]);
    assert.deepEqual(none, []);
    const { id, channelId, sender: { id: senderId } } = fifth.message;
    assert.deepEqual(unanswered, [{ id, channelId, senderId, why: "queue-full" }]);
    assert.equal(inbox().length, 4);
    assert.deepEqual(whyOf(fifth), {
      message_id: fifth.message.id,
      verdict: "ignore: queue-full",
      rule: "messages.queue.perUser",
    });
    await take([fifth]);
    assert.deepEqual(told(), [id], "what is on record is told");
  });

  it("[N1] leaves half of the places to questions, and tells no one of a dropped run", async () => {
    const { take, told } = setUp();
    const run = (): Judged => {
      const judged = question();
      const { message } = judged;
      const trigger = { kind: "passive", agentId: "watcher", event: "pattern", rule: "x" } as const;
      return { ...judged, message: { ...message, origin: { ...trigger, messageId: message.id } } };
    };
    for (const [index, one] of times(4, run).entries()) {
      assert.equal((await take([one])).accepted.length, index < 2 ? 1 : 0, `${index}`);
    }
    assert.deepEqual(told(), []);
    assert.equal((await take([question(), question()])).accepted.length, 2);
  });

  it("[SEC-R27] refuses the rest of a batch that brings more at once", async () => {
    const { take, inbox, told, rows } = setUp();
    const judged = times(10_000, () => question());
    const { accepted: taken } = await take(judged);
    assert.deepEqual(taken, judged.slice(0, 4));
    assert.deepEqual(inbox(), judged.slice(0, 4).map(({ message }) => message.id));
    assert.equal(told().length, 9_996);
    const counts = rows("SELECT why, COUNT(*) AS count FROM decision GROUP BY why ORDER BY why");
    assert.deepEqual(counts, [{ why: "mentioned", count: 4 }, { why: "queue-full", count: 9_996 }]);
  });

  it("counts all of their channels, and no turns of others", async () => {
    const { take, whyOf } = setUp();
    const channels = ["11", "12", "13", "14", "15"];
    const mine = channels.map((channel) => question({ channel }));
    for (const judged of mine) await take([judged]);
    const other = question({ user: "2", channel: "15" });
    await take([other]);
    const why = (judged: Judged | undefined) => judged && whyOf(judged)?.["verdict"];
    assert.equal(why(mine[3]), "accept: mentioned");
    assert.equal(why(mine[4]), "ignore: queue-full");
    assert.equal(why(other), "accept: mentioned");
  });

  it("counts each account by itself", async () => {
    const { take, whyOf } = setUp();
    for (const judged of times(4, () => question())) await take([judged]);
    const judged = question();
    const message = { ...judged.message, accountId: SECOND };
    await take([{ ...judged, message }], { accountId: SECOND });
    assert.equal(whyOf(judged)?.["verdict"], "accept: mentioned");
  });
});

describe("[X4] acceptBatch() › waiting turns of a channel", () => {
  const crowd = (count: number) => times(count, (index) => question({ user: String(100 + index) }));

  it("refuses the tenth open one", async () => {
    const { take, inbox, told, whyOf } = setUp();
    const judged = crowd(15);
    for (const one of judged) await take([one]);
    assert.equal(inbox().length, 9);
    assert.deepEqual(told(), judged.slice(9).map(({ message }) => message.id));
    const tenth = judged[9];
    assert.equal(tenth && whyOf(tenth)?.["rule"], "messages.queue.perChannel");
  });

  it("[G6] counts of one person no more turns for others than a person may have", async () => {
    const { take, whyOf, restart } = setUp();
    const missed = { ...WAITING, ...waitingLimitsOf("replayed", WAITING, CATCH_UP) };
    const flood = times(25, () => question({ user: "66" }));
    for (const one of flood) await take([one], { waiting: missed });
    const late = question({ user: "7" });
    await take([late], { waiting: missed });
    const isRefused = (one: Judged) => whyOf(one)?.["verdict"] === "ignore: queue-full";
    assert.deepEqual(flood.map(isRefused), flood.map((_, at) => at >= 21));
    assert.equal(isRefused(late), true, "all messages of the absence together");
    restart();
    const live = crowd(6);
    for (const one of live) await take([one]);
    // 4 of the flood count beside them.
    assert.deepEqual(live.map(isRefused), [false, false, false, false, false, true]);
    const [more] = times(1, () => question({ user: "66" }));
    if (more) await take([more]);
    assert.equal(more && whyOf(more)?.["rule"], "messages.queue.perUser");
  });

  it("[G6] leaves a place for others, even if a person may have as many turns as a channel", async () => {
    const { take, whyOf } = setUp();
    const limits = { perUser: 20, perChannel: 8, turnsPerChannel: 1 };
    const missed = { ...WAITING, ...waitingLimitsOf("replayed", limits, CATCH_UP) };
    for (const one of times(20, () => question({ user: "66" }))) {
      await take([one], { waiting: missed });
    }
    const [first, second] = crowd(2);
    for (const one of [first, second]) {
      if (one) await take([one], { waiting: { ...WAITING, ...limits } });
    }
    assert.deepEqual([first, second].map((one) => one && whyOf(one)?.["verdict"]), [
      "accept: mentioned",
      "ignore: queue-full",
    ]);
  });

  it("[N1] counts all questions of people before a passive run", async () => {
    const { take, whyOf } = setUp();
    for (const user of ["100", "101"]) {
      for (const one of times(3, () => question({ user }))) await take([one]);
    }
    const asked = question({ user: "102" });
    const run = { ...asked, message: { ...asked.message, origin: { kind: "passive" } as never } };
    await take([run]);
    assert.equal(whyOf(run)?.["verdict"], "ignore: queue-full");
  });

  it("[G6] names the limit of an absence, if that one is in use", async () => {
    const { take, whyOf } = setUp();
    const judged = crowd(10);
    const waiting = { ...WAITING, channelRule: "gateway.catchUp.maxPerChannel" };
    for (const one of judged) await take([one], { waiting });
    const rules = judged.slice(8).map((one) => whyOf(one)?.["rule"]);
    assert.deepEqual(rules, [whyOf(judged[0] ?? question())?.["rule"], waiting.channelRule]);
  });

  it("[X4a] leaves room for an owner, whose own limit stays", async () => {
    const { take, whyOf } = setUp();
    for (const judged of times(9, (n) => question({ user: `${n + 1}` }))) await take([judged]);
    const [first, ...others] = times(5, () => question({ user: OWNER }));
    for (const judged of [first, ...others]) await take(judged ? [judged] : []);
    const why = (judged: Judged | undefined) => judged && whyOf(judged)?.["verdict"];
    assert.equal(why(first), "accept: mentioned");
    assert.equal(why(others.at(-1)), "ignore: queue-full");
    assert.equal(whyOf(others.at(-1) ?? question())?.["rule"], "messages.queue.perUser");
  });

  it("leaves room in other channels", async () => {
    const { take, inbox } = setUp();
    await take(crowd(15));
    await take([question({ user: "200", channel: "12" })]);
    assert.equal(inbox().length, 10);
  });
});

describe("[X4] acceptBatch() › restarts", () => {
  it("counts and remembers as before", async () => {
    const { take, restart, inbox, told, answer } = setUp();
    for (const judged of times(5, () => question())) await take([judged]);
    restart();
    await take([question()]);
    assert.equal(inbox().length, 4);
    assert.equal(told().length, 2);
    await answer();
    restart();
    await take([question()]);
    assert.equal(inbox().length, 5);
  });

  it("counts a turn that the dead process had begun", async () => {
    const { take, restart, current, inbox } = setUp();
    for (const judged of times(4, () => question())) await take([judged]);
    await current().inbox.claimNext(ACCOUNT, NOW, []);
    restart();
    await current().inbox.voidClaims();
    await take([question()]);
    assert.equal(inbox().length, 4);
  });
});

describe("[X4] acceptBatch() › what counts", () => {
  it("counts no message that another account answers", async () => {
    const { take, whyOf, told } = setUp();
    const shared = question();
    await take([shared]);
    const toSecond = (judged: Judged) => ({
      ...judged,
      message: { ...judged.message, accountId: SECOND },
    });
    for (const judged of times(4, () => question())) {
      await take([toSecond(judged)], { accountId: SECOND });
    }
    await take([toSecond(shared)], { accountId: SECOND });
    assert.deepEqual(told(), [], "its turn belongs to the first account");
    for (const judged of times(3, () => question())) await take([judged]);
    const last = question();
    await take([last]);
    assert.equal(whyOf(last)?.["verdict"], "ignore: queue-full", "the first one counts it");
  });

  it("refuses no message of a batch without limits, such as catch-up's, and counts it", async () => {
    const { take, current, inbox, whyOf } = setUp();
    await take([question()]);
    await current().inbox.acceptBatch(found({ judged: times(6, () => question()) }), NOW);
    assert.equal(inbox().length, 7);
    const next = question();
    await take([next]);
    assert.equal(whyOf(next)?.["verdict"], "ignore: queue-full");
  });

  it("counts an undecided message once it is accepted, and refuses it if the queue is full", async () => {
    const { take, current, whyOf, inbox } = setUp();
    const undecided = times(2, () => question());
    const waits = (judged: Judged): Judged => ({
      ...judged,
      verdict: { kind: "undecided", why: "pluralkit-original", rule: "pluralkit.enabled" },
    });
    await take(undecided.map(waits));
    await take(times(3, () => question()));
    const results = [];
    for (const judged of undecided) {
      results.push(await current().inbox.decide(judged, NOW, WAITING));
    }
    assert.deepEqual(results.map(({ unanswered }) => unanswered.length), [0, 1]);
    assert.equal(inbox().length, 4);
    const last = undecided[1];
    assert.equal(last && whyOf(last)?.["verdict"], "ignore: queue-full");
  });

  it("counts no message that was taken back", async () => {
    const { take, current, inbox } = setUp();
    const judged = times(4, () => question());
    await take(judged);
    const taken = judged[3]?.message.id;
    assert.ok(taken);
    const rule = { kind: "ignore", why: "pk-original", rule: "r", keepAsContext: false } as const;
    assert.ok(await current().inbox.retract(ACCOUNT, taken, rule));
    await take([question()]);
    assert.equal(inbox().length, 4);
  });

  it("keeps a refused message as context in a guild, and not in a direct message", async () => {
    const { take, rows } = setUp();
    const inGuild = times(5, () => question());
    await take(inGuild);
    const kept = () => rows("SELECT message_id FROM message").map(({ message_id }) => message_id);
    assert.deepEqual(kept(), [inGuild[4]?.message.id]);
    const sender = { id: userId("7"), username: "seven", roles: [] };
    const direct = times(
      5,
      () =>
        accepted(directMessage({ id: question().message.id, channelId: channelId("77"), sender })),
    );
    await take(direct);
    assert.deepEqual(kept(), [inGuild[4]?.message.id]);
  });

  it("refuses a bot without a sign, which it might answer", async () => {
    const { take, inbox, told } = setUp();
    const sender = { id: userId("8"), username: "bot", roles: [], automaton: "bot" } as const;
    await take(times(6, () => accepted(guildMessage({ id: question().message.id, sender }))));
    assert.equal(inbox().length, 4);
    assert.deepEqual(told(), []);
  });

  it("refuses nothing if the batch fails, and counts it again", async () => {
    const { take, inbox } = setUp();
    const { route: _, ...lost } = question();
    await assert.rejects(take([...times(3, () => question()), lost]), /no route/);
    await take(times(4, () => question()));
    assert.equal(inbox().length, 4);
  });
});

describe("[G6] acceptBatch() › messages beyond the limits of catch-up", () => {
  const missed = (why: "too-old" | "too-many", user: string, hours = 2): Judged => {
    const { message, verdict } = question({ user });
    return {
      message: { ...message, sentAt: NOW - hours * 60 * 60_000 },
      policyVerdict: verdict,
      verdict: { kind: "ignore", why, rule: "channels.discord.gateway", keepAsContext: true },
    };
  };

  it("tells of each, once", async () => {
    const { take, told, restart } = setUp();
    const judged = [
      missed("too-old", "1"),
      missed("too-old", "1"),
      missed("too-many", "2"),
      missed("too-old", "3"),
    ];
    await take(judged, { heard: undefined });
    restart();
    await take(judged, { heard: undefined });
    assert.deepEqual(told(), judged.map(({ message }) => message.id));
  });

  it("tells no one of messages that the policy ignores, nor after a day", async () => {
    const { take, told } = setUp();
    const ignored = { ...missed("too-old", "1"), policyVerdict: undefined };
    await take([ignored, missed("too-old", "2", 25)], { heard: undefined });
    assert.deepEqual(told(), []);
  });
});
