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
const RATE_LIMITED = new Error("rate_limited");
const STORE_FULL = new Error("the store is full");

/** Marks with a Discord that answers with these errors, and then accepts all. */
function setUp(...errors: readonly Error[]) {
  const failures = [...errors];
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const added: string[] = [];
  const noticed: (readonly string[])[] = [];
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
    refusalOf(error) {
      if (error === RATE_LIMITED) return "rate_limited";
      return error === FORBIDDEN ? "forbidden" : error === NOT_FOUND ? "not_found" : undefined;
    },
    tell(_channel, linked) {
      if (store.isFull) return Promise.reject(STORE_FULL);
      noticed.push(linked.map(({ id }) => id));
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
  return { mark, messages, added, noticed, store, clock, lines, pass };
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

  it("tries again while there is no spare capacity, and never for a deleted message", async () => {
    const { mark, messages, added, noticed, pass } = setUp(NO_CAPACITY, NOT_FOUND, RATE_LIMITED);
    mark(messages(2));
    await pass(6);
    assert.deepEqual(added, ["1 full"]);
    assert.deepEqual(noticed, []);
  });

  const lasting = [[NO_CAPACITY, 100], [RATE_LIMITED, 3]] as const;
  for (const [failure, attempts] of lasting) {
    it(`sends a notice after ${attempts} attempts that end with ${failure.message}`, async () => {
      const lucky = setUp(...Array<Error>(attempts - 1).fill(failure));
      lucky.mark(lucky.messages(1));
      await lucky.pass(attempts + 10);
      assert.deepEqual([lucky.added, lucky.noticed], [["1 full"], []]);
      const { mark, messages, added, noticed, pass } = setUp(
        ...Array<Error>(attempts).fill(failure),
      );
      mark(messages(1));
      await pass(attempts + 10);
      assert.deepEqual([added, noticed], [[], [["1"]]]);
    });
  }

  it("links the messages in a notice once a minute if Discord refuses a mark", async () => {
    const { mark, messages, added, noticed, clock, pass } = setUp(FORBIDDEN);
    mark(messages(3));
    await pass(8);
    assert.deepEqual(noticed, [["1", "2", "3"]]);
    mark(messages(4).slice(3));
    await pass(10);
    assert.equal(noticed.length, 1, "the next one is due a minute later");
    clock.advance(60_000);
    await pass(0);
    assert.deepEqual(noticed.slice(1), [["4"]]);
    assert.deepEqual(added, [], "no mark is tried meanwhile");
    clock.advance(60_000);
    mark(messages(1));
    await pass(1);
    assert.deepEqual(added, ["1 full"]);
  });

  it("[X4a] links 20 messages in a notice, and lets 100 of a channel wait", async () => {
    const { mark, messages, noticed, clock, lines, pass } = setUp(FORBIDDEN);
    mark(messages(130));
    await pass(140);
    for (let minute = 0; minute < 10; minute++) {
      clock.advance(60_000);
      await pass(0);
    }
    assert.deepEqual(noticed.map(({ length }) => length), [7, 20, 20, 20, 20, 20]);
    assert.equal(lines.filter(({ event }) => /a person is not told/.test(event)).length, 130 - 107);
  });

  it("says so if the notice cannot be stored", async () => {
    const { mark, messages, store, lines, pass } = setUp(FORBIDDEN);
    store.isFull = true;
    mark(messages(2));
    await pass(8);
    const warnings = lines.filter(({ level }) => level === "warn");
    assert.deepEqual(warnings.map(({ fields }) => fields["messageIds"]), [["1", "2"]]);
  });

  it("[X4a] lets 200 wait, and says how many have no mark", async () => {
    const { mark, messages, added, lines, pass } = setUp();
    mark(messages(250));
    await pass(260);
    assert.equal(added.length, 200);
    assert.match(JSON.stringify(lines), /some have no mark.*"left":50/);
  });
});
