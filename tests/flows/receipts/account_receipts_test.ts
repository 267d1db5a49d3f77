/** Tests that the receipts under an answer stay true. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { changeUndone, receipts } from "../../../src/flows/receipts/receipts.ts";
import { wakeChannels } from "../../../src/account/per_account.ts";
import { type Answer, refused } from "../../support/discord/answers.ts";
import type { OutboundMessage } from "../../../src/core/outbound/outbound.ts";
import type { Step } from "../../../src/core/step.ts";
import { ACCOUNT, channelId, messageId, userId } from "../../support/discord/builders.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { frozen } from "../../support/store/store.ts";

const TURN = messageId("1450000000000000002");
const MINUTES = 60_000;
const UNDO = {
  does: "sets it back",
  needs: [],
  requests: [{ method: "PATCH", path: "/channels/7" }],
} as const;
const BUTTON = { customId: `undo:${TURN}`, label: "Undo", style: "secondary" } as const;
const LINE = "✓ channel edited <#77777777777777777>";

/** An answer with two changes, of which the store has the steps. */
async function open(
  {
    answerOf,
    steps: ran = [steps(1), steps(2)].flat(),
    line = `${LINE} ×2`,
    changes = ["a", "b"],
    buttons = [BUTTON],
    isStarted = true,
  }: {
    readonly buttons?: OutboundMessage["buttons"];
    readonly answerOf?: Answer;
    readonly isStarted?: boolean;
    readonly steps?: readonly Step[];
    readonly line?: string;
    readonly changes?: readonly string[];
  } = {},
) {
  const t = await testAccount({ answer: answerOf });
  const { account, store, clock, quiet, requests } = t;
  Object.assign(store.turns, { stepsOf: () => Promise.resolve(ran) });
  const footer = `-# a model · 3 s\n-# ${line}`;
  const answer: Partial<OutboundMessage> = {
    nonce: "answer",
    content: `Done!\n${footer}`,
    footer,
    buttons,
    of: { cause: TURN, revision: 0, kind: "reply", part: 0, parts: 1 },
  };
  for (const callKey of changes) {
    const change = { accountId: ACCOUNT, callKey, turnId: TURN, askerId: userId("7") };
    await store.changes.begin({ ...change, what: "edit", undo: UNDO }, 9, clock.now());
  }
  await store.outbox.add(frozen(answer), clock.now());
  if (isStarted) receipts.start(account);
  return {
    ...t,
    /** Discord gets the answer. */
    async send() {
      wakeChannels(account);
      await quiet();
    },
    /** People have taken a change back; absent: a further look. */
    async undo(id?: number) {
      if (id !== undefined) await store.changes.undone(id, "x", clock.now());
      changeUndone(account, TURN);
      await quiet();
    },
    newest: async () => (await store.outbox.underAnswer(ACCOUNT, TURN))?.message,
    /** Number of edits that Discord was asked for. */
    edits: () => requests.filter(({ method }) => method === "PATCH").length,
  };
}

function steps(id: number) {
  const input = { action: "channelEdit", channelId: "77777777777777777" };
  const calls = [{ id: `${id}`, name: "discord", arguments: JSON.stringify(input) }];
  return [
    { kind: "answer", text: "", calls, at: 1 },
    { kind: "result", callId: `${id}`, end: "done", text: "ok", effect: { change: id }, at: 2 },
  ] as const;
}

/** A message of a call that waits as row 1 or 2 after the answer. */
function sent(id: number, waits = [id + 1]): readonly Step[] {
  const input = { action: "sendMessage", channelId: "77777777777777777", text: "x" };
  const calls = [{ id: `${id}`, name: "discord", arguments: JSON.stringify(input) }];
  const effect = { waits };
  return [
    { kind: "answer", text: "", calls, at: 1 },
    { kind: "result", callId: `${id}`, end: "done", text: "ok", effect, at: 2 },
  ];
}

describe("[R15a] the upkeep of receipts", () => {
  for (const buttons of [[BUTTON], []]) {
    it(`marks each change that was taken back, and keeps ${buttons.length} buttons while one can be`, async () => {
      const { undo, send, newest, edits } = await open({ buttons });
      await undo(1);
      assert.deepEqual([await newest(), edits()], [undefined, 0], "it is not at Discord yet");
      await send();
      const first = await newest();
      assert.equal(first?.of?.kind, "reply", "[H6a] a part of the answer");
      assert.equal(first?.content, `Done!\n-# a model · 3 s\n-# ↩${LINE.slice(1)} · ${LINE}`);
      assert.deepEqual(first?.buttons, buttons);
      await undo(2);
      const last = await newest();
      assert.equal(last?.content, `Done!\n-# a model · 3 s\n-# ↩${LINE.slice(1)} ×2`);
      assert.deepEqual(last?.buttons, []);
      assert.equal(last?.footer, last?.content.slice("Done!\n".length));
      await undo();
      assert.equal(edits(), 2, "a further look changes nothing");
    });
  }

  it("removes the button once nothing can be taken back any more", async () => {
    const { pass, send, newest } = await open();
    await send();
    await pass(10 * MINUTES + 1);
    const last = await newest();
    assert.equal(last?.content, `Done!\n-# a model · 3 s\n-# ${LINE} ×2`);
    assert.deepEqual(last?.buttons, []);
  });

  it("looks at all answers at the start, and repeats no edit that Discord has refused", async () => {
    const { store, clock, account, send, quiet, edits, undo } = await open({
      isStarted: false,
      answerOf: ({ method }) => method === "PATCH" ? refused(403, 50_013) : undefined,
    });
    await send();
    await store.changes.undone(1, "x", clock.now());
    receipts.start(account);
    await quiet();
    await undo();
    assert.deepEqual([edits(), await store.outbox.heads(ACCOUNT)], [1, []]);
  });

  for (const [end, mark] of [["sent", "✓ message sent"], ["dead", "✗ message not sent"]] as const) {
    it(`marks a message of a call that waited, and is ${end} by now`, async () => {
      const there = "77777777777777777";
      let posts = 0;
      const { store, clock, edits, send, undo, newest } = await open({
        steps: [sent(1), sent(2), sent(3, [2, 3])].flat(), // the last one of both
        line: `? message perhaps sent <#${there}> ×3`,
        answerOf({ path }) {
          if (!path.startsWith(`/channels/${there}/messages`)) return undefined;
          if (++posts > 1) return new Promise(() => {}); // the second waits on
          return end === "dead" ? refused(404, 10_003) : undefined;
        },
      });
      await send();
      for (const nonce of ["one", "two"]) {
        const of = { cause: TURN, revision: 0, kind: "tool", part: 0, parts: 1 } as const;
        const message = { nonce, of, channelId: channelId(there) };
        await store.outbox.add(frozen(message), clock.now());
      }
      await send();
      const fate = `${mark} <#${there}>${end === "dead" ? ": Discord refused it" : ""}`;
      const waiting = `? message perhaps sent <#${there}>`;
      const marks = end === "dead" ? [`${fate} ×2`, waiting] : [`${waiting} ×2`, fate];
      assert.equal((await newest())?.footer, `-# a model · 3 s\n-# ${marks.join(" · ")}`);
      await undo();
      assert.equal(edits(), 1, "a further look changes nothing");
    });
  }

  for (const ms of [0, 40 * 60 * MINUTES]) {
    it(`marks a message of a call that arrived just before a kill, ${ms} ms later`, async () => {
      const there = "77777777777777777";
      const waiting = `? message perhaps sent <#${there}>`;
      const killed = await open({
        steps: sent(1),
        line: waiting,
        changes: [],
        isStarted: false, // the process ends before it looks at the answer
      });
      await killed.send();
      const of = { cause: TURN, revision: 0, kind: "tool", part: 0, parts: 1 } as const;
      const message = { nonce: "one", of, channelId: channelId(there) };
      await killed.store.outbox.add(frozen(message), killed.clock.now());
      await killed.send();
      assert.match((await killed.newest())?.footer ?? "", /\? message/);
      killed.clock.advance(ms);
      const next = await testAccount({ before: killed, clock: killed.clock });
      receipts.start(next.account);
      await next.quiet();
      assert.match((await killed.newest())?.footer ?? "", /✓ message sent <#7+>$/);
    });
  }

  it("changes no answer of another account", async () => {
    const { store } = await open();
    assert.equal(await store.outbox.underAnswer(toAccountId("other"), TURN), undefined);
  });
});
