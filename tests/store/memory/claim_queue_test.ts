import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { WaitingMessage } from "../../../src/store/memory/backlog.ts";
import { ACCOUNT, channelId } from "../../support/discord/builders.ts";
import {
  add,
  alone,
  claimOf,
  filled,
  inChannel,
  take,
  waiting,
} from "../../support/store/claim_queue.ts";

const SECOND = toAccountId("second");

describe("createClaimQueue()", () => {
  it("[S5] claims from the session that waits longest, the oldest message by id", () => {
    const late = { ...inChannel(7, "12"), arrival: 1 }; // catch-up brought 7 after 8
    const queue = filled(late, { ...inChannel(3, "12"), arrival: 5 }, inChannel(8, "11"));
    assert.equal(take(queue), "3");
    assert.equal(take(queue), "8", "a session with a running turn waits");
    assert.equal(take(queue), undefined);
  });

  it("[S5] compares ids as numbers", () => {
    assert.equal(take(filled(inChannel(10, "11"), inChannel(9, "11"))), "9");
  });

  it("[S5] runs one turn per session, under any sequence of calls", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({
          kind: fc.constant("add" as const),
          channel: fc.constantFrom("11", "12", "13"),
        }),
        fc.record({ kind: fc.constantFrom("take", "end", "release", "putBack" as const) }),
      ),
      { maxLength: 60, size: "max" },
    );
    fc.assert(fc.property(steps, (all) => {
      const queue = filled();
      const running: WaitingMessage[] = [];
      let added = 0;
      let ended = 0;
      for (const step of all) {
        if (step.kind === "add") add(queue, ++added, step.channel);
        else if (step.kind === "take") {
          running.push(...[queue.take(ACCOUNT, alone, 0)].flatMap((t) => t ?? []));
        } else {
          const taken = running.shift();
          if (!taken) continue;
          if (step.kind === "putBack") queue.putBack(taken);
          else if (step.kind === "release") queue.release(claimOf(taken));
          else queue.end(claimOf(taken));
          if (step.kind === "end") ended++;
        }
        const sessions = running.map(({ route }) => route.sessionKey);
        assert.equal(new Set(sessions).size, sessions.length);
        for (const taken of running) assert.ok(queue.isRunning(claimOf(taken)));
      }
      for (const taken of running) queue.end(claimOf(taken));
      let waiting = 0;
      for (
        let taken = queue.take(ACCOUNT, alone, 0);
        taken;
        taken = queue.take(ACCOUNT, alone, 0)
      ) {
        queue.end(claimOf(taken));
        waiting++;
      }
      assert.equal(waiting + running.length + ended, added, "no message is lost or claimed twice");
      assert.equal(queue.bytes(), 0);
    }));
  });

  it("[S5] tells which turns of a session run, in the order of their beginnings", () => {
    const queue = filled(inChannel(1, "11"), inChannel(2, "11"), inChannel(3, "11"));
    let seen: readonly string[] = [];
    const beside = (...wanted: readonly string[]) =>
      queue.take(ACCOUNT, ({ messageId }, running) => {
        seen = running.slice();
        return wanted.includes(messageId);
      }, 0);
    const taken = [beside("2"), beside("1")];
    assert.equal(beside(), undefined);
    assert.deepEqual(seen, ["2", "1"]);
    queue.end(claimOf(taken[0]));
    assert.equal(beside(), undefined);
    assert.deepEqual(seen, ["1"]);
    queue.putBack(taken[1]!);
    assert.equal(beside(), undefined);
    assert.deepEqual(seen, []);
  });

  it("[S5] claims no message of another one's turn before that one", () => {
    const first = inChannel(1, "11");
    const queue = filled(first, { ...inChannel(2, "11"), turnOf: first.messageId, attempts: 1 });
    const isSecond = ({ messageId }: WaitingMessage) => messageId === "2";
    assert.equal(queue.take(ACCOUNT, isSecond, 0), undefined);
    assert.equal(take(queue), "1");
  });

  it("[G6] claims no messages of blocked channels", () => {
    const queue = filled(inChannel(1, "11"), inChannel(2, "12"));
    assert.equal(take(queue, [channelId("11")]), "2");
    assert.equal(take(queue, [channelId("11")]), undefined);
    assert.equal(take(queue), "1");
  });

  it("[C6] gives an account only its own messages, even in shared sessions", () => {
    const shared = waiting(1, { accountId: SECOND });
    const queue = filled(shared, inChannel(2, "11"));
    assert.equal(take(queue), "2");
    assert.equal(queue.take(SECOND, alone, 0), undefined, "the session has a turn");
  });

  it("[S5] counts the attempt of a released message, but not of one that is put back", () => {
    const queue = filled(inChannel(1, "11"));
    const first = queue.take(ACCOUNT, alone, 0);
    queue.putBack(first!);
    const again = queue.take(ACCOUNT, alone, 0);
    assert.equal(again?.attempts, 0);
    queue.release(claimOf(again));
    assert.equal(queue.isRunning(claimOf(again)), false);
    assert.equal(queue.take(ACCOUNT, alone, 0)?.attempts, 1);
  });
});
