import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ChannelId, toAccountId } from "../../../src/core/discord/ids.ts";
import type { OutboxRow } from "../../../src/core/outbound/outbound.ts";
import { createSendQueues, type SendQueues } from "../../../src/store/memory/send_queues.ts";
import { ACCOUNT, channelId, messageId, outboundMessage } from "../../support/discord/builders.ts";

const NOW = Date.UTC(2026, 0, 1);
const CHANNEL = channelId("11");
const POSTED = messageId("900");
const SECOND = toAccountId("second");

function row(id: number, channel: ChannelId = CHANNEL, content = "hello"): OutboxRow {
  const message = outboundMessage({ channelId: channel, nonce: `n${id}`, content });
  return { id, message, fileCount: 0, action: { kind: "post" } };
}

/** Queues that know the channel, with stored rows. */
function opened(...rows: readonly OutboxRow[]): SendQueues {
  const queues = createSendQueues();
  queues.markEmpty(ACCOUNT, CHANNEL);
  const queue = queues.queueOf(ACCOUNT, CHANNEL)!;
  queues.add(queue, rows);
  queues.stored(queue, rows);
  return queues;
}

const isKnown = (queues: SendQueues, accountId = ACCOUNT, channel = CHANNEL) =>
  queues.queueOf(accountId, channel) !== undefined;

/** The first row, if it may be sent. */
function headOf(queues: SendQueues): OutboxRow | undefined {
  const first = queues.queueOf(ACCOUNT, CHANNEL)?.waiting[0];
  return first?.isStored ? first.row : undefined;
}

const echoOf = ({ message: { nonce, channelId } }: OutboxRow, heardAt = NOW) => ({
  nonce,
  channelId,
  messageId: POSTED,
  heardAt,
});

describe("createSendQueues()", () => {
  it("[D1] knows a channel only once it was empty", () => {
    const queues = createSendQueues();
    assert.equal(isKnown(queues), false);
    queues.markEmpty(ACCOUNT, CHANNEL);
    assert.equal(isKnown(queues), true);
    assert.equal(isKnown(queues, SECOND, CHANNEL), false);
    queues.add(queues.queueOf(ACCOUNT, CHANNEL)!, [row(1)]);
    queues.markEmpty(ACCOUNT, CHANNEL); // a check that began before
    assert.equal(queues.has(row(1)), true);
  });

  it("[D1] returns rows in the order of adding, and no settled row again", () => {
    const operations = fc.array(fc.constantFrom("add", "settle", "echo" as const), {
      maxLength: 40,
      size: "max",
    });
    fc.assert(fc.property(operations, (all) => {
      const queues = opened();
      const expected: number[] = [];
      let last = 0;
      for (const operation of all) {
        const head = headOf(queues);
        assert.equal(head?.id, expected[0]);
        assert.equal(queues.queueOf(ACCOUNT, CHANNEL)?.waiting.length, expected.length);
        if (operation === "add") {
          const added = row(++last);
          const queue = queues.queueOf(ACCOUNT, CHANNEL)!;
          queues.add(queue, [added]);
          queues.stored(queue, [added]);
          expected.push(last);
        } else if (head) {
          queues.attempt(head, NOW);
          if (operation === "settle") queues.settle(head, POSTED);
          else assert.equal(queues.echoed(ACCOUNT, echoOf(head))?.kind, "first");
          assert.equal(queues.has(head), false);
          assert.equal(queues.echoed(ACCOUNT, echoOf(head))?.kind, "repeated");
          expected.shift();
        }
      }
    }));
  });

  it("[D2] returns no row before it is stored, and the intent of the first row once", () => {
    const queues = createSendQueues();
    queues.markEmpty(ACCOUNT, CHANNEL);
    const queue = queues.queueOf(ACCOUNT, CHANNEL)!;
    const rows = [row(1), row(2)];
    queues.add(queue, rows, NOW);
    assert.equal(headOf(queues), undefined);
    queues.stored(queue, rows);
    assert.equal(headOf(queues)?.id, 1);
    assert.deepEqual(
      [row(1), row(1), row(2), row(3)].map((one) => queues.attempt(one, NOW)),
      ["intended", "waiting", "waiting", undefined],
    );
  });

  it("[G11] accepts an echo only after our first attempt, and only with Discord's id", () => {
    const [first, second] = [row(1), row(2)];
    const queues = opened(first, second);
    assert.equal(queues.echoed(ACCOUNT, echoOf(first)), undefined, "it was never sent");
    queues.attempt(first, NOW);
    queues.attempt(first, NOW + 1_000); // the first attempt counts
    assert.equal(queues.echoed(ACCOUNT, echoOf(first, NOW - 1)), undefined, "it came before that");
    assert.equal(queues.echoed(SECOND, echoOf(first)), undefined, "it is another account's");
    assert.equal(queues.takeEcho(first, POSTED), false);
    assert.equal(queues.echoed(ACCOUNT, echoOf(first))?.kind, "first");
    assert.deepEqual(
      [messageId("901"), POSTED, POSTED].map((id) => queues.takeEcho(first, id)),
      [false, true, false],
    );
    const other = { ...echoOf(first), messageId: messageId("901") };
    assert.equal(queues.echoed(ACCOUNT, other), undefined, "the tables tell that it is foreign");
    queues.settle(second, undefined); // deleted before Discord told its id, so any id matches
    assert.equal(queues.takeEcho(second, undefined), false, "Discord's answer has come");
    assert.equal(queues.echoed(ACCOUNT, echoOf(second))?.kind, "repeated");
    assert.equal(queues.echoed(ACCOUNT, { channelId: CHANNEL, messageId: POSTED }), undefined);
  });

  it("[D1] forgets a channel, an account or all channels", () => {
    const elsewhere = channelId("12");
    for (
      const [forget, known] of [
        [(queues: SendQueues) => queues.forget(ACCOUNT, CHANNEL), [false, true, true]],
        [(queues: SendQueues) => queues.forget(ACCOUNT), [false, false, true]],
        [(queues: SendQueues) => queues.forget(), [false, false, false]],
      ] as const
    ) {
      const queues = opened(row(1));
      queues.markEmpty(ACCOUNT, elsewhere);
      queues.markEmpty(SECOND, CHANNEL);
      forget(queues);
      assert.deepEqual([
        isKnown(queues),
        isKnown(queues, ACCOUNT, elsewhere),
        isKnown(queues, SECOND, CHANNEL),
      ], known);
      assert.equal(queues.has(row(1)), false);
      assert.equal(queues.attempt(row(1), NOW), undefined);
    }
  });

  it("forgets the oldest channels beyond 4,096", () => {
    const queues = opened(row(1));
    for (let id = 1_000; id < 1_000 + 4_096; id++) {
      queues.markEmpty(ACCOUNT, channelId(`${id}`));
    }
    assert.equal(isKnown(queues), false);
    assert.equal(isKnown(queues, ACCOUNT, channelId("1000")), true);
  });

  it("has no room once texts reach the limit, until rows are settled", () => {
    const text = "x".repeat(2 * 1024 * 1024);
    const queues = opened(row(1, CHANNEL, text));
    assert.equal(queues.hasRoom(), false);
    assert.ok(queues.bytes() > 2 * text.length);
    queues.settle(row(1, CHANNEL, text), POSTED);
    assert.equal(queues.hasRoom(), true);
    assert.ok(queues.bytes() < 2_000);
  });

  it("remembers at least the last 1,024 sent messages for their echo", () => {
    const rows = Array.from({ length: 2_049 }, (_, index) => row(index + 1));
    const queues = opened(...rows);
    for (const one of rows) assert.equal(queues.settle(one, POSTED), true);
    assert.equal(queues.settle(row(1), POSTED), false, "it is settled");
    assert.equal(queues.echoed(ACCOUNT, echoOf(row(1_024))), undefined);
    assert.equal(queues.echoed(ACCOUNT, echoOf(row(1_025)))?.kind, "repeated");
  });
});
