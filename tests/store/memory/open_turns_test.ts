import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { WaitingMessage } from "../../../src/store/memory/backlog.ts";
import { isRunning } from "../../../src/store/memory/open_turns.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { claimOf, filled, inChannel, waiting } from "../../support/store/open_turns.ts";

const SECOND = toAccountId("second");

/** A message of a person in the channel 11. */
const ofPerson = (id: number, person: string) => ({
  ...inChannel(id, "11"),
  sender: sender({ id: userId(person) }),
});

describe("applyTurn()", () => {
  it("[S5] claims from the session that waits longest, the oldest message by id", () => {
    const late = { ...inChannel(7, "12"), arrival: 1 }; // catch-up brought 7 after 8
    const { take } = filled(late, { ...inChannel(3, "12"), arrival: 5 }, inChannel(8, "11"));
    assert.equal(take()?.messageId, "3");
    assert.equal(take()?.messageId, "8", "a session with a running turn waits");
    assert.equal(take(), undefined);
  });

  it("[S5] compares ids as numbers", () => {
    assert.equal(filled(inChannel(10, "11"), inChannel(9, "11")).take()?.messageId, "9");
  });

  it("[S5] runs one turn per session, under any sequence of events", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({
          kind: fc.constant("add" as const),
          channel: fc.constantFrom("11", "12", "13"),
        }),
        fc.record({
          kind: fc.constantFrom("take", "end", "release", "put back", "park", "cut" as const),
        }),
      ),
      { maxLength: 60, size: "max" },
    );
    fc.assert(fc.property(steps, (all) => {
      const { turns, apply, add, take, end } = filled();
      const running: WaitingMessage[] = [];
      const parked: WaitingMessage[] = [];
      let added = 0;
      let ended = 0;
      for (const step of all) {
        if (step.kind === "add") add(++added, step.channel);
        else if (step.kind === "take") running.push(...[take()].flatMap((taken) => taken ?? []));
        else {
          const taken = running.shift();
          if (!taken) continue;
          const turn = taken.messageId;
          if (step.kind === "put back") apply({ kind: "put back", turn });
          else if (step.kind === "release") apply({ kind: "released", claim: claimOf(taken) });
          else if (step.kind === "cut") apply({ kind: "cut", messageId: turn });
          else if (step.kind === "park") {
            apply({ kind: "parked", claim: claimOf(taken) });
            parked.push(taken);
          } else end(taken);
          if (step.kind === "end" || step.kind === "cut") ended++;
        }
        const sessions = running.map(({ route }) => route.sessionKey);
        assert.equal(new Set(sessions).size, sessions.length);
        for (const taken of running) assert.ok(isRunning(turns, claimOf(taken)));
      }
      for (const taken of running) end(taken);
      for (const { messageId } of parked) apply({ kind: "resumed", turn: messageId });
      let waiting = 0;
      for (let taken = take(); taken; taken = take()) {
        end(taken);
        waiting++;
      }
      assert.equal(waiting + running.length + ended, added, "no message is lost or claimed twice");
      assert.equal(turns.backlog.bytes() + turns.counts.bytes(), 0);
      assert.deepEqual([turns.running.size, turns.parked.size, turns.joined.size], [0, 0, 0]);
    }));
  });

  it("[S5] tells which turns of a session run, in the order of their beginnings", () => {
    const { apply, takeIf, end } = filled(...[1, 2, 3].map((id) => ofPerson(id, `${id}`)));
    let seen: readonly string[] = [];
    const beside = (...wanted: readonly string[]) =>
      takeIf(({ messageId }, running) => {
        seen = running.slice();
        return wanted.includes(messageId);
      });
    const taken = [beside("2"), beside("1")];
    assert.equal(beside(), undefined);
    assert.deepEqual(seen, ["2", "1"]);
    end(taken[0]);
    assert.equal(beside(), undefined);
    assert.deepEqual(seen, ["1"]);
    apply({ kind: "put back", turn: taken[1]!.messageId });
    assert.equal(beside(), undefined);
    assert.deepEqual(seen, []);
  });

  it("[S5] looks at no messages of people whose turns run in the session", () => {
    const { takeIf, end } = filled(ofPerson(1, "7"), ofPerson(2, "7"), ofPerson(3, "7"));
    const seen: string[] = [];
    const look = () =>
      takeIf(({ messageId }, running) => {
        seen.push(messageId);
        return running.length === 0;
      });
    const first = look();
    seen.length = 0;
    assert.equal(look(), undefined);
    assert.deepEqual(seen, []);
    end(first);
    assert.equal(look()?.messageId, "2");
  });

  it("[S5] claims no message of another one's turn before that one", () => {
    const first = inChannel(1, "11");
    const second = { ...inChannel(2, "11"), turnOf: first.messageId, attempts: 1 };
    const { take, takeIf } = filled(first, second);
    assert.equal(takeIf(({ messageId }) => messageId === "2"), undefined);
    assert.equal(take()?.messageId, "1");
  });

  it("[G6] claims no messages of blocked channels", () => {
    const { take } = filled(inChannel(1, "11"), inChannel(2, "12"));
    assert.equal(take(ACCOUNT, [channelId("11")])?.messageId, "2");
    assert.equal(take(ACCOUNT, [channelId("11")]), undefined);
    assert.equal(take()?.messageId, "1");
  });

  it("[C6] gives an account only its own messages, even in shared sessions", () => {
    const shared = waiting(1, { accountId: SECOND });
    const { take } = filled(shared, inChannel(2, "11"));
    assert.equal(take()?.messageId, "2");
    assert.equal(take(SECOND), undefined, "the session has a turn");
  });

  it("[S5] counts the attempt of a released message, but not of one that is put back", () => {
    const { turns, take, apply } = filled(inChannel(1, "11"));
    apply({ kind: "put back", turn: take()!.messageId });
    const again = take();
    assert.equal(again?.attempts, 0);
    apply({ kind: "released", claim: claimOf(again) });
    assert.equal(isRunning(turns, claimOf(again)), false);
    assert.equal(take()?.attempts, 1);
  });

  it("[H6] ends a turn whose message changes, and lets its messages wait together", () => {
    const { turns, take, apply } = filled(...[1, 2, 3].map((id) => inChannel(id, "11")));
    const first = take()!;
    for (const id of ["2", "3"]) {
      const entry = turns.backlog.find(messageId(id))!;
      apply({ kind: "joined", turn: first.messageId, entry });
    }
    apply({ kind: "edited", message: guildMessage({ id: messageId("3") }) });
    assert.equal(turns.running.size, 0);
    const next = take()!;
    assert.deepEqual([next.messageId, next.attempts], ["1", 1]);
    assert.deepEqual(turns.backlog.ofTurn(next).map(({ messageId }) => messageId), ["2", "3"]);
    apply({ kind: "released", claim: claimOf(next) });
    apply({ kind: "cut", messageId: messageId("1") });
    assert.equal(turns.backlog.ofTurn(turns.backlog.find(messageId("2"))!)[0]?.messageId, "3");
  });
});
