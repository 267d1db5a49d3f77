import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type AccountId, toAccountId } from "../../../src/core/discord/ids.ts";
import { cases } from "../../support/long_form.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { type Claim, messagesOf } from "../../../src/core/inbound/inbox.ts";
import type { Store } from "../../../src/store/store.ts";
import { createStore } from "../../support/store/open_database.ts";
import { edited } from "../../support/store/edits.ts";
import { accepted, batch, openTestStore } from "../../support/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);

const inSession = (digits: string, sessionKey: string) =>
  accepted(guildMessage({ id: messageId(digits) }), { agentId: "main", sessionKey });

async function openInbox(...judged: readonly ReturnType<typeof accepted>[]) {
  const test = openTestStore();
  await test.store.inbox.acceptBatch(batch({ judged }), NOW);
  const claim = async () => (await test.store.inbox.claimNext(ACCOUNT, NOW, []))?.message.id;
  return { ...test, claim };
}

/** Ends these turns, and then a turn for all that still waits. Returns the answered texts. */
async function answerAll({ inbox, turns }: Store, ...begun: readonly (Claim | undefined)[]) {
  const answered: string[] = [];
  const left = [...begun];
  for (;;) {
    const claim = left.shift() ?? await inbox.claimNext(ACCOUNT, NOW, [], () => true);
    if (!claim) return answered.toSorted();
    const end = { kind: "declined" } as const;
    const stored = await turns.finishTurn({ claim, end, entries: [], outbox: [] }, NOW);
    if (stored) answered.push(...messagesOf(claim).map(({ id, text }) => `${id} ${text}`));
  }
}

describe("claimNext()", () => {
  it("[D2] returns the whole message, with its route and the number of the attempt", async () => {
    const message = directMessage({ text: "Grüße 🐚", extras: [{ kind: "poll", text: "a or b" }] });
    const route = { agentId: "helper", sessionKey: "agent:helper:main" };
    const { store } = await openInbox(accepted(message, route));
    sameData(await store.inbox.claimNext(ACCOUNT, NOW, []), { message, route, attempt: 1 });
  });

  it("[D2] counts the turn of a stored message that Discord repeats meanwhile", async () => {
    const { database, store } = await openInbox();
    const judged = [inSession("11", "a")];
    await store.inbox.acceptBatch(batch({ judged }), NOW);
    const next = () => createStore(database, ":memory:", { elapsed: () => 0 });
    const { inbox } = next();
    const repeated = inbox.acceptBatch(batch({ judged }), NOW);
    assert.equal((await inbox.claimNext(ACCOUNT, NOW, []))?.attempt, 1);
    await repeated;
    assert.equal((await next().inbox.claimNext(ACCOUNT, NOW, []))?.attempt, 2);
  });

  it("[D2] counts each claim of a message that an earlier process stored", async () => {
    const { database } = await openInbox(inSession("11", "a"));
    /** A process that claims the message, and dies. */
    const attempt = async () => {
      const { inbox } = createStore(database, ":memory:", { elapsed: () => 0 });
      return (await inbox.claimNext(ACCOUNT, NOW, []))?.attempt;
    };
    assert.deepEqual([await attempt(), await attempt(), await attempt()], [1, 2, 3]);
  });

  it("[D2] counts each claim of an old message that a fresh one joins", async () => {
    const { database } = await openInbox(inSession("11", "a"));
    /** A process that gets the message `digits`, claims both together, and dies. */
    const attempt = async (digits: string) => {
      const { inbox } = createStore(database, ":memory:", { elapsed: () => 0 });
      await inbox.voidClaims();
      await inbox.claimNext(toAccountId("second"), NOW, []); // from now on, memory has the queue
      await inbox.acceptBatch(batch({ judged: [inSession(digits, "a")] }), NOW);
      const claim = await inbox.claimNext(ACCOUNT, NOW, [], () => true);
      assert.ok(claim);
      return [claim.attempt, ...messagesOf(claim).map(({ id }) => id)];
    };
    assert.deepEqual([await attempt("12"), await attempt("13"), await attempt("14")], [
      [1, "11", "12"],
      [2, "11", "12"],
      [3, "11", "12"],
    ]);
  });

  it("[X4a] passes over people who may not begin a turn now, also within a session", async () => {
    const of = (digits: string, user: string, sessionKey: string) => {
      const who = sender({ id: userId(user) });
      const message = guildMessage({ id: messageId(digits), sender: who });
      return accepted(message, { agentId: "main", sessionKey });
    };
    const judged = [of("11", "7", "a"), of("12", "7", "b"), of("13", "8", "b"), of("14", "7", "c")];
    const { database, store } = await openInbox(...judged);
    // A process that has accepted them, and one that reads them from the tables.
    for (const { inbox } of [store, createStore(database, ":memory:", { elapsed: () => 0 })]) {
      const next = (...passed: readonly string[]) =>
        inbox.claimNext(ACCOUNT, NOW, [], undefined, ({ sender, isUnasked, route }) => {
          assert.deepEqual([!isUnasked, route.agentId], [true, "main"]);
          return !passed.includes(sender.id);
        });
      assert.equal(await next("7", "8"), undefined);
      assert.equal((await next("7"))?.message.id, "13");
      assert.equal((await next())?.message.id, "11");
      await inbox.voidClaims();
    }
  });

  it("[S5] joins no message to a turn that was written before it", async () => {
    const of = (digits: string, user: string) =>
      accepted(guildMessage({ id: messageId(digits), sender: sender({ id: userId(user) }) }));
    const { store: { inbox } } = await openInbox(of("11", "7"), of("12", "8"), of("13", "8"));
    const claim = await inbox.claimNext(
      ACCOUNT,
      NOW,
      [],
      () => true,
      ({ sender: { id } }) => id !== "7",
    ); // of whom a turn runs elsewhere
    assert.deepEqual(messagesOf(claim!).map(({ id }) => id), ["12", "13"]);
    assert.equal(await inbox.takeIn(claim!, NOW, () => true, () => []), undefined);
  });

  it("[G6] claims the message that was written first, even if catch-up brings it late", async () => {
    const { store, claim } = await openInbox(
      inSession("1000", "a"),
      inSession("20", "b"),
      inSession("999", "a"),
      inSession("1001", "a"),
    );
    const first = await store.inbox.claimNext(ACCOUNT, NOW, []);
    assert.equal(first?.message.id, "999", "by number, and in the session that waits longest");
    assert.equal(await claim(), "20");
    await store.turns.finishTurn(
      { claim: first!, end: { kind: "declined" }, entries: [], outbox: [] },
      1,
    );
    assert.equal(await claim(), "1000");
  });

  it("[G6] claims no message of blocked channels, and does not wait for them", async () => {
    const of = (digits: string, channel: string, sessionKey: string) =>
      accepted(guildMessage({ id: messageId(digits), channelId: channelId(channel) }), {
        agentId: "main",
        sessionKey,
      });
    const { store } = await openInbox(of("11", "1", "a"), of("12", "2", "b"), of("13", "3", "a"));
    const one = channelId("1");
    const three = channelId("3");
    assert.equal(await store.inbox.claimNext(ACCOUNT, NOW, "all"), undefined);
    assert.equal(
      await store.inbox.claimNext(ACCOUNT, NOW, [one, channelId("2"), three]),
      undefined,
    );
    assert.equal((await store.inbox.claimNext(ACCOUNT, NOW, [one, three]))?.message.id, "12");
    assert.equal((await store.inbox.claimNext(ACCOUNT, NOW, [one]))?.message.id, "13");
    assert.equal(await store.inbox.claimNext(ACCOUNT, NOW, []), undefined);
  });

  it("[C6] claims only the account's own messages, one at a time per session", async () => {
    const second = toAccountId("second");
    const of = (digits: string, accountId: AccountId, sessionKey: string) =>
      accepted(guildMessage({ id: messageId(digits), accountId }), { agentId: "main", sessionKey });
    const { store, claim } = await openInbox(
      of("11", second, "shared"),
      of("12", ACCOUNT, "shared"),
      of("13", ACCOUNT, "b"),
    );
    const theirs = await store.inbox.claimNext(second, NOW, []);
    assert.equal(theirs?.message.id, "11");
    assert.equal(await claim(), "13", "not 12, while a turn of its session runs");
    assert.equal(await claim(), undefined);
    assert.equal(await store.inbox.voidClaims(ACCOUNT), 1);
    assert.equal(await store.inbox.claimNext(second, NOW, []), undefined, "theirs runs on");
    const end = { kind: "declined" } as const;
    await store.turns.finishTurn({ claim: theirs!, end, entries: [], outbox: [] }, NOW);
    assert.equal(await claim(), "12");
  });

  it("[S5] gives simultaneous callers different messages, or one of them none", async () => {
    const { store } = await openInbox(inSession("11", "a"), inSession("12", "a"));
    const claims = await Promise.all([
      store.inbox.claimNext(ACCOUNT, NOW, []),
      store.inbox.claimNext(ACCOUNT, NOW, []),
    ]);
    assert.deepEqual(claims.flatMap((claim) => claim?.message.id ?? []), ["11"]);
  });

  for (
    const [when, start] of [
      ["while the first one looks for more messages", (begin) => begin()],
      ["once the first one has found its messages", queueMicrotask],
    ] as const satisfies readonly (readonly [string, (begin: () => void) => void])[]
  ) {
    it(`[S5] gives a message to one turn if a second turn begins with it ${when}`, async () => {
      // A person's turns in a session run one after another, so 12 is of another person.
      const judged = [["11", "7"], ["12", "8"], ["13", "7"]].map(([digits = "", user = ""]) =>
        accepted(guildMessage({ id: messageId(digits), sender: sender({ id: userId(user) }) }))
      );
      const { store } = await openInbox(...judged);
      let beside: Promise<Claim | undefined> | undefined;
      const beginBeside = () => {
        beside ??= store.inbox.claimNext(ACCOUNT, NOW, [], () => false, () => true);
      };
      const first = await store.inbox.claimNext(ACCOUNT, NOW, [], () => {
        start(beginBeside);
        return true;
      });
      const second = await beside;
      assert.deepEqual([first?.message.id, second?.message.id], ["11", "12"]);
      const texts = judged.map(({ message: { id, text } }) => `${id} ${text}`);
      assert.deepEqual(await answerAll(store, first, second), texts);
    });
  }

  it("[S5] claims each session in order, one message at a time, and starves none", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 12 }),
      fc.infiniteStream(fc.nat({ max: 3 })),
      fc.boolean(),
      async (sessions, choices, isReversed) => {
        const judged = sessions.map((key, index) => inSession(String(95 + index), key));
        const { store } = await openInbox(...isReversed ? judged.toReversed() : judged);
        const running: Awaited<ReturnType<typeof store.inbox.claimNext>>[] = [];
        const done: string[] = [];
        for (;;) {
          const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
          if (claim) {
            assert.ok(running.every((other) => other!.route.sessionKey !== claim.route.sessionKey));
            running.push(claim);
            continue;
          }
          const [choice] = choices.take(1);
          const [ended] = running.splice(choice! % Math.max(1, running.length), 1);
          if (!ended) break;
          done.push(ended.message.id);
          const end = { kind: "declined" } as const;
          await store.turns.finishTurn({ claim: ended, end, entries: [], outbox: [] }, NOW);
        }
        for (const key of new Set(sessions)) {
          const expected = sessions.flatMap((other, index) =>
            other === key ? [String(95 + index)] : []
          );
          assert.deepEqual(done.filter((id) => expected.includes(id)), expected);
        }
        assert.equal(done.length, sessions.length);
      },
    );
    await fc.assert(property, { numRuns: cases(40) });
  });
});

describe("[S5] takeIn()", () => {
  const question = (digits: string) =>
    guildMessage({ id: messageId(digits), text: "old words", sentAt: NOW });
  const change = ({ inbox }: Store, digits: string) =>
    inbox.acceptBatch(batch({ changes: [edited(question(digits), "new words")] }), NOW);
  const takeIn = ({ inbox }: Store, claim: Claim) =>
    inbox.takeIn(claim, NOW, () => true, (messages) => [
      { kind: "joined", messageIds: messages.map(({ id }) => id), at: NOW },
    ]);

  /** The turn of message 11 runs, and the other one waits behind it. */
  async function openTurn(next = question("12")) {
    const { store } = await openInbox(accepted(question("11")));
    const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
    assert.ok(claim);
    await store.inbox.acceptBatch(batch({ judged: [accepted(next)] }), NOW);
    return { store, claim };
  }

  it("[H6] adds no message to a turn that has begun anew since an edit", async () => {
    const { store, claim } = await openTurn();
    await change(store, "11");
    const again = await store.inbox.claimNext(ACCOUNT, NOW, []);
    assert.deepEqual([again?.message.id, again?.attempt], ["11", 2]);
    assert.equal(await takeIn(store, claim), undefined);
    assert.deepEqual(await answerAll(store, again), ["11 new words", "12 old words"]);
    assert.deepEqual(await store.turns.stepsOf(messageId("11")), []);
  });

  it("[H6] fails if an edit that is stored at the same time ends the turn", async () => {
    const { store, claim } = await openTurn();
    const changing = change(store, "11");
    await assert.rejects(takeIn(store, claim), /The turn of message 11 has ended/);
    await changing;
    assert.deepEqual(await answerAll(store, claim), ["11 new words", "12 old words"]);
  });

  it("[H6] does not add the text before an edit that is stored at the same time", async () => {
    const { store, claim } = await openTurn();
    const changing = change(store, "12");
    assert.equal(await takeIn(store, claim), undefined);
    await changing;
    assert.deepEqual(await store.turns.stepsOf(messageId("11")), []);
    const taken = await takeIn(store, claim);
    assert.deepEqual(taken?.also?.map(({ text }) => text), ["new words"]);
    assert.deepEqual(await answerAll(store, taken), ["11 old words", "12 new words"]);
  });

  it("[P13] does not add a message that PluralKit replaces at the same time", async () => {
    const { store, claim } = await openTurn();
    const verdict = {
      kind: "ignore",
      why: "pk-original",
      rule: "r",
      keepAsContext: false,
    } as const;
    const retracting = store.inbox.retract(ACCOUNT, messageId("12"), verdict);
    assert.equal(await takeIn(store, claim), undefined);
    assert.equal(await retracting, true);
    assert.deepEqual(await answerAll(store, claim), ["11 old words"]);
  });

  it("does not add a message with which another turn begins at the same time", async () => {
    const other = sender({ id: userId("8") }); // whose turn may run beside
    const { store, claim } = await openTurn({ ...question("12"), sender: other });
    const taking = takeIn(store, claim);
    const beside = await store.inbox.claimNext(ACCOUNT, NOW, [], undefined, () => true);
    assert.equal(beside?.message.id, "12");
    assert.equal(await taking, undefined);
    assert.deepEqual(await answerAll(store, claim, beside), ["11 old words", "12 old words"]);
  });
});

describe("voidClaims()", () => {
  it("[D2] makes the messages of a dead process wait again, and no finished one", async () => {
    const { store, claim, rows } = await openInbox(
      inSession("11", "a"),
      inSession("12", "b"),
      inSession("13", "c"),
    );
    const over = await store.inbox.claimNext(ACCOUNT, NOW, []);
    await store.turns.finishTurn({
      claim: over!,
      end: { kind: "declined" },
      entries: [],
      outbox: [],
    }, 1);
    await claim();
    assert.equal(await store.inbox.voidClaims(ACCOUNT), 1);
    assert.deepEqual(rows("SELECT message_id, state, attempt FROM inbox ORDER BY id"), [
      { message_id: "11", state: "declined", attempt: 1 },
      { message_id: "12", state: "waiting", attempt: 1 },
      { message_id: "13", state: "waiting", attempt: 0 },
    ]);
    assert.equal((await store.inbox.claimNext(ACCOUNT, NOW, []))?.attempt, 2);
  });

  it("[C6] frees a session that a turn of a removed account blocks", async () => {
    const removed = toAccountId("gone");
    const of = (digits: string, accountId: AccountId) =>
      accepted(guildMessage({ id: messageId(digits), accountId }), {
        agentId: "main",
        sessionKey: "shared",
      });
    const { store, claim } = await openInbox(of("11", removed), of("12", ACCOUNT));
    assert.equal((await store.inbox.claimNext(removed, NOW, []))?.message.id, "11");
    assert.equal(await store.inbox.voidClaims(ACCOUNT), 0);
    assert.equal(await claim(), undefined);
    assert.equal(await store.inbox.voidClaims(), 1);
    assert.equal(await claim(), "12");
  });
});

describe("release()", () => {
  it("[S5] makes a claimed message wait again, unless another attempt has claimed it", async () => {
    const { store } = await openInbox(inSession("11", "a"));
    const first = await store.inbox.claimNext(ACCOUNT, NOW, []);
    await store.inbox.release(first!);
    const second = await store.inbox.claimNext(ACCOUNT, NOW, []);
    assert.equal(second?.attempt, 2);
    await store.inbox.release(first!);
    assert.equal(await store.inbox.claimNext(ACCOUNT, NOW, []), undefined);
  });

  it("[D2] leaves a finished message finished", async () => {
    const { store } = await openInbox(inSession("11", "a"));
    const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
    await store.turns.finishTurn(
      { claim: claim!, end: { kind: "declined" }, entries: [], outbox: [] },
      1,
    );
    await store.inbox.release(claim!);
    assert.equal(await store.inbox.claimNext(ACCOUNT, NOW, []), undefined);
  });
});
