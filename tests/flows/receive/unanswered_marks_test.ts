import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createUnansweredMarks } from "../../../src/flows/receive/unanswered_marks.ts";
import { guildMessage, messageId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const NO_CAPACITY = new Error("no spare capacity");
const FORBIDDEN = new Error("forbidden");
const NOT_FOUND = new Error("not_found");
const STORE_FULL = new Error("the store is full");

/** Marks with a Discord that answers with these errors, and then accepts all. */
function setUp(...errors: readonly Error[]) {
  const failures = [...errors];
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const added: string[] = [];
  const noticed: string[] = [];
  const store = { isFull: false };
  const mark = createUnansweredMarks({
    reactions: {
      add(_channel, id, emoji) {
        const failure = failures.shift();
        if (failure) return Promise.reject(failure);
        added.push(`${id} ${emoji}`);
        return Promise.resolve();
      },
    },
    refusalOf: (error) =>
      error === FORBIDDEN ? "forbidden" : error === NOT_FOUND ? "not_found" : undefined,
    tell({ message, why }) {
      if (store.isFull) return Promise.reject(STORE_FULL);
      noticed.push(`${message.id} ${why}`);
      return Promise.resolve();
    },
    emojiOf: (why) => why === "queue-full" ? "full" : "missed",
    schedule: clock.schedule,
    log,
  });
  const messages = (count: number) =>
    Array.from({ length: count }, (_, n) => ({
      message: guildMessage({ id: messageId(`${n + 1}`) }),
      why: n === 0 ? "queue-full" as const : "too-old" as const,
    }));
  const pass = async (times: number) => {
    for (let n = 0; n < times; n++) {
      await settle();
      clock.advance(300);
    }
    await settle();
  };
  return { mark, messages, added, noticed, store, lines, pass };
}

describe("[X4] createUnansweredMarks()", () => {
  it("marks one message after the other", async () => {
    const { mark, messages, added, pass } = setUp();
    mark(messages(3));
    await pass(0);
    assert.deepEqual(added, ["1 full"]);
    await pass(3);
    assert.deepEqual(added, ["1 full", "2 missed", "3 missed"]);
    mark(messages(1));
    await pass(1);
    assert.equal(added.length, 4);
  });

  it("tries again while there is no spare capacity, and never after a refusal", async () => {
    const { mark, messages, added, noticed, pass } = setUp(NO_CAPACITY, FORBIDDEN, NO_CAPACITY);
    mark(messages(2));
    await pass(6);
    assert.deepEqual(added, ["1 full"]);
    assert.deepEqual(noticed, ["2 too-old"]);
  });

  it("sends a notice if Discord refuses the mark, and none for a deleted message", async () => {
    const { mark, messages, added, noticed, pass } = setUp(FORBIDDEN, NOT_FOUND);
    mark(messages(3));
    await pass(6);
    assert.deepEqual(noticed, ["1 queue-full"]);
    assert.deepEqual(added, ["3 missed"]);
  });

  it("goes on with the next mark if a notice cannot be stored, and says so", async () => {
    const { mark, messages, added, store, lines, pass } = setUp(FORBIDDEN);
    store.isFull = true;
    mark(messages(2));
    await pass(6);
    assert.deepEqual(added, ["2 missed"]);
    assert.deepEqual(
      lines.filter(({ level }) => level === "warn").map(({ fields }) => fields["messageId"]),
      ["1"],
    );
  });

  it("[X4a] lets 200 wait, and says how many have no mark", async () => {
    const { mark, messages, added, lines, pass } = setUp();
    mark(messages(250));
    await pass(260);
    assert.equal(added.length, 200);
    assert.match(JSON.stringify(lines), /some have no mark.*"left":50/);
  });
});
