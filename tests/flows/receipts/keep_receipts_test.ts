/** Tests that the receipts under an answer stay true. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { createReceiptKeeper } from "../../../src/flows/receipts/keep_receipts.ts";
import { TOOLS } from "../../../src/tools/registry.ts";
import type { OutboundMessage } from "../../../src/core/outbound/outbound.ts";
import type { Step } from "../../../src/core/step.ts";
import { ACCOUNT, channelId, messageId, userId } from "../../support/discord/builders.ts";

import { bareAccount, testAccount } from "../../support/account.ts";
import { frozen, openTestStore } from "../../support/store/store.ts";

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
async function open({ steps: ran = [steps(1), steps(2)].flat(), line = `${LINE} ×2` }: {
  readonly steps?: readonly Step[];
  readonly line?: string;
} = {}) {
  const { store } = openTestStore();
  const { account, clock } = testAccount();
  const woken: unknown[] = [];
  const turns = { stepsOf: () => Promise.resolve(ran) };
  const keeper = createReceiptKeeper(
    bareAccount({ ...account, store: { ...store, turns } as never }, {
      channels: (channels) => void woken.push(channels),
    }),
    TOOLS,
  );
  const footer = `-# a model · 3 s\n-# ${line}`;
  const answer: Partial<OutboundMessage> = {
    nonce: "answer",
    content: `Done!\n${footer}`,
    footer,
    buttons: [BUTTON],
    of: { cause: TURN, revision: 0, kind: "reply", part: 0, parts: 1 },
  };
  for (const callKey of ["a", "b"]) {
    const change = { accountId: ACCOUNT, callKey, turnId: TURN, askerId: userId("7") };
    await store.changes.begin({ ...change, what: "edit", undo: UNDO }, 9, clock.now());
  }
  await store.outbox.add(frozen(answer), clock.now());
  /** Ends the row of the channel that is next, as Discord's answer does. */
  const send = async (end: "sent" | "dead" = "sent") => {
    const [row] = await store.outbox.heads(ACCOUNT);
    assert.ok(row);
    await store.outbox.markSending(row, clock.now());
    if (end === "dead") await store.outbox.markDead(row, "refused");
    else await store.outbox.markSent(row, messageId("1450000000000000003"));
    keeper.attempted(row);
    await settled();
  };
  const settled = async () => {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const look = async () => {
    keeper.look(TURN);
    await settled();
  };
  const newest = async () => (await store.outbox.underAnswer(ACCOUNT, TURN))?.message;
  return { store, clock, keeper, look, send, settled, newest, woken };
}

function steps(id: number) {
  const input = { action: "channelEdit", channelId: "77777777777777777" };
  const calls = [{ id: `${id}`, name: "discord", arguments: JSON.stringify(input) }];
  const text = `Changed. To undo: undo(id ${id}). It can be undone for 10 minutes.`;
  return [
    { kind: "answer", text: "", calls, at: 1 },
    { kind: "result", callId: `${id}`, end: "done", text, at: 2 },
  ] as const;
}

/** A message of a call that waits as row 1 or 2 after the answer. */
function sent(id: number): readonly Step[] {
  const input = { action: "sendMessage", channelId: "77777777777777777", text: "x" };
  const calls = [{ id: `${id}`, name: "discord", arguments: JSON.stringify(input) }];
  const text = JSON.stringify({ stored: [id + 1], channelId: "77777777777777777", note: "later" });
  return [
    { kind: "answer", text: "", calls, at: 1 },
    { kind: "result", callId: `${id}`, end: "done", text, at: 2 },
  ];
}

describe("[R15a] createReceiptKeeper()", () => {
  it("marks each change that was taken back, and keeps the button while one can be", async () => {
    const { store, clock, look, send, newest, woken } = await open();
    await store.changes.undone(1, "x", clock.now());
    await look();
    assert.equal(await newest(), undefined, "the answer is not at Discord yet");
    await send();
    assert.equal(await newest(), undefined, "the edit is on its way");
    await send();
    const first = await newest();
    assert.equal(first?.of?.kind, "reply", "[H6a] a part of the answer");
    assert.equal(first?.content, `Done!\n-# a model · 3 s\n-# ↩${LINE.slice(1)} · ${LINE}`);
    assert.deepEqual(first?.buttons, [BUTTON]);
    await store.changes.undone(2, "y", clock.now());
    await look();
    await send();
    const last = await newest();
    assert.equal(last?.content, `Done!\n-# a model · 3 s\n-# ↩${LINE.slice(1)} ×2`);
    assert.deepEqual(last?.buttons, []);
    assert.equal(last?.footer, last?.content.slice("Done!\n".length));
    assert.equal(woken.length, 2);
    await look();
    assert.equal(woken.length, 2, "a further look changes nothing");
  });

  it("removes the button once nothing can be taken back any more", async () => {
    const { clock, send, settled, newest } = await open();
    await send();
    clock.advance(10 * MINUTES + 1);
    await settled();
    await send();
    const last = await newest();
    assert.equal(last?.content, `Done!\n-# a model · 3 s\n-# ${LINE} ×2`);
    assert.deepEqual(last?.buttons, []);
  });

  it("looks at all answers at the start, and repeats no edit that Discord has refused", async () => {
    const { store, clock, keeper, look, send, settled, woken } = await open();
    await send();
    await store.changes.undone(1, "x", clock.now());
    keeper.start();
    await settled();
    await send("dead");
    await look();
    assert.equal(woken.length, 1);
    assert.deepEqual(await store.outbox.heads(ACCOUNT), []);
  });

  for (const [end, mark] of [["sent", "✓ message sent"], ["dead", "✗ message not sent"]] as const) {
    it(`marks a message of a call that waited, and is ${end} by now`, async () => {
      const there = "77777777777777777";
      const { store, clock, keeper, settled, send, newest } = await open({
        steps: [sent(1), sent(2)].flat(),
        line: `? message perhaps sent <#${there}> ×2`,
      });
      await send();
      for (const nonce of ["one", "two"]) {
        const of = { cause: TURN, revision: 0, kind: "tool", part: 0, parts: 1 } as const;
        const message = { nonce, of, channelId: channelId(there) };
        await store.outbox.add(frozen(message), clock.now());
      }
      await send(end);
      const fate = end === "dead"
        ? `${mark} <#${there}>: Discord refused it`
        : `${mark} <#${there}>`;
      const row = (await store.outbox.heads(ACCOUNT)).find(({ message }) =>
        message.of?.kind === "reply"
      );
      assert.ok(row, "an edit");
      await store.outbox.markSending(row, clock.now());
      await store.outbox.markSent(row, messageId("1450000000000000003"));
      const waiting = `? message perhaps sent <#${there}>`;
      assert.equal((await newest())?.footer, `-# a model · 3 s\n-# ${fate} · ${waiting}`);
      keeper.look(TURN);
      await settled();
      assert.ok(
        !(await store.outbox.heads(ACCOUNT)).some(({ message }) => message.of?.kind === "reply"),
      );
    });
  }

  it("changes no answer of another account", async () => {
    const { store } = await open();
    assert.equal(await store.outbox.underAnswer(toAccountId("other"), TURN), undefined);
  });
});
