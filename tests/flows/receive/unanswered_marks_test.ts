import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createUnansweredMarks } from "../../../src/flows/receive/unanswered_marks.ts";
import { guildMessage, messageId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const NO_CAPACITY = new Error("no spare capacity");
const FORBIDDEN = new Error("forbidden");

/** Marks with a Discord that answers with these errors, and then accepts all. */
function setUp(...errors: readonly Error[]) {
  const failures = [...errors];
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const added: string[] = [];
  const mark = createUnansweredMarks({
    reactions: {
      add(_channel, id, emoji) {
        const failure = failures.shift();
        if (failure) return Promise.reject(failure);
        added.push(`${id} ${emoji}`);
        return Promise.resolve();
      },
    },
    refusalOf: (error) => error === FORBIDDEN ? "forbidden" : undefined,
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
  return { mark, messages, added, lines, pass };
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
    const { mark, messages, added, pass } = setUp(NO_CAPACITY, FORBIDDEN, NO_CAPACITY);
    mark(messages(2));
    await pass(6);
    assert.deepEqual(added, ["1 full"]);
  });

  it("[X4a] lets 200 wait, and says how many have no mark", async () => {
    const { mark, messages, added, lines, pass } = setUp();
    mark(messages(250));
    await pass(260);
    assert.equal(added.length, 200);
    assert.match(JSON.stringify(lines), /some have no mark.*"left":50/);
  });
});
