import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { routeOf } from "../../../../src/discord/rest/exchange/route.ts";
import { createLane } from "../../../../src/discord/rest/scheduler/lane.ts";
import { createLineUp, type LineUp } from "../../../../src/discord/rest/scheduler/line_up.ts";
import type { Ticket } from "../../../../src/discord/rest/scheduler/ticket.ts";

function lane(channel: number) {
  return createLane<void>(routeOf("POST", `/channels/${channel}/messages`));
}

function ticket(): Ticket<void> {
  return {
    terms: { rank: "reply", notAfter: Infinity },
    notBefore: -Infinity,
    resolve: () => undefined,
    reject: () => undefined,
    nextSince: undefined,
    isWaiting: true,
    unwatch: undefined,
  };
}

function takeNext(line: LineUp<void>): string | undefined {
  const next = line.next("reply");
  if (next) line.take(next);
  return next?.lane.route.major;
}

describe("[D4] createLineUp()", () => {
  it("is first come, first served among those that come new", () => {
    const line = createLineUp<void>();
    for (const channel of [3, 1, 2]) line.add(lane(channel), ticket());
    const order = [1, 2, 3, 4].map(() => takeNext(line));
    assert.deepEqual(order, ["channels/3", "channels/1", "channels/2", undefined]);
  });

  it("puts first whose last turn was longest ago, whoever came back first", () => {
    const line = createLineUp<void>();
    for (const channel of [1, 2, 3]) line.add(lane(channel), ticket());
    for (let n = 0; n < 3; n++) takeNext(line);
    for (const channel of [3, 1, 2]) line.add(lane(channel), ticket());
    assert.deepEqual([1, 2, 3].map(() => takeNext(line)), [
      "channels/1",
      "channels/2",
      "channels/3",
    ]);
  });

  it("puts who comes new behind all that wait", () => {
    const line = createLineUp<void>();
    line.add(lane(1), ticket());
    takeNext(line);
    line.add(lane(1), ticket());
    for (const channel of [2, 3]) line.add(lane(channel), ticket());
    assert.deepEqual([1, 2, 3].map(() => takeNext(line)), [
      "channels/1",
      "channels/2",
      "channels/3",
    ]);
  });

  it("keeps the place of one that is looked at again", () => {
    const line = createLineUp<void>();
    const [first, same] = [lane(1), ticket()];
    line.add(first, same);
    line.add(lane(2), ticket());
    line.add(first, same);
    assert.equal(takeNext(line), "channels/1");
    assert.equal(takeNext(line), "channels/2");
    assert.equal(takeNext(line), undefined);
  });

  it("passes over what is its lane's next no more", () => {
    const line = createLineUp<void>();
    const gone = lane(1);
    line.add(gone, ticket());
    line.add(lane(2), ticket());
    gone.entry = undefined;
    assert.equal(takeNext(line), "channels/2");
  });

  it("lets nobody wait for more than one turn of each other lane", () => {
    const events = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant("add" as const), channel: fc.nat({ max: 9 }) }),
        fc.record({ kind: fc.constant("take" as const) }),
      ),
      { maxLength: 200 },
    );
    fc.assert(fc.property(events, (all) => {
      const line = createLineUp<void>();
      /** Of each lane that waits, who has had a turn since it came. */
      const waiting = new Map<string, Set<string>>();
      for (const event of all) {
        if (event.kind === "take") {
          const taken = takeNext(line);
          assert.equal(taken === undefined, waiting.size === 0);
          if (taken === undefined) continue;
          waiting.delete(taken);
          for (const [name, since] of waiting) {
            assert.ok(!since.has(taken), `${taken} had two turns while ${name} waited`);
            since.add(taken);
          }
        } else if (!waiting.has(`channels/${event.channel}`)) {
          line.add(lane(event.channel), ticket());
          waiting.set(`channels/${event.channel}`, new Set());
        }
      }
    }));
  });
});
