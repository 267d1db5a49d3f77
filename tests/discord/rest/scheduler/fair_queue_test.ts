import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { routeOf } from "../../../../src/discord/rest/exchange/route.ts";
import { createRequestQueue } from "../../../../src/discord/rest/scheduler/request_queue.ts";
import {
  createFairQueue,
  type FairQueue,
} from "../../../../src/discord/rest/scheduler/fair_queue.ts";
import type { WaitingRequest } from "../../../../src/discord/rest/scheduler/waiting_request.ts";

function queue(channel: number) {
  return createRequestQueue<void>(routeOf("POST", `/channels/${channel}/messages`));
}

function request(): WaitingRequest<void> {
  return {
    options: { priority: "reply", notAfter: Infinity },
    notBefore: -Infinity,
    resolve: () => undefined,
    reject: () => undefined,
    firstSince: undefined,
    isWaiting: true,
    cancelLimit: undefined,
  };
}

function takeNext(line: FairQueue<void>): string | undefined {
  const next = line.next("reply");
  if (next) line.take(next);
  return next?.queue.route.major;
}

describe("[D4] createFairQueue()", () => {
  it("is first come, first served among those that come new", () => {
    const line = createFairQueue<void>();
    for (const channel of [3, 1, 2]) line.add(queue(channel), request());
    const order = [1, 2, 3, 4].map(() => takeNext(line));
    assert.deepEqual(order, ["channels/3", "channels/1", "channels/2", undefined]);
  });

  it("puts first whose last turn was longest ago, whoever came back first", () => {
    const line = createFairQueue<void>();
    for (const channel of [1, 2, 3]) line.add(queue(channel), request());
    for (let n = 0; n < 3; n++) takeNext(line);
    for (const channel of [3, 1, 2]) line.add(queue(channel), request());
    assert.deepEqual([1, 2, 3].map(() => takeNext(line)), [
      "channels/1",
      "channels/2",
      "channels/3",
    ]);
  });

  it("puts who comes new behind all that wait", () => {
    const line = createFairQueue<void>();
    line.add(queue(1), request());
    takeNext(line);
    line.add(queue(1), request());
    for (const channel of [2, 3]) line.add(queue(channel), request());
    assert.deepEqual([1, 2, 3].map(() => takeNext(line)), [
      "channels/1",
      "channels/2",
      "channels/3",
    ]);
  });

  it("keeps the place of one that is looked at again", () => {
    const line = createFairQueue<void>();
    const [first, same] = [queue(1), request()];
    line.add(first, same);
    line.add(queue(2), request());
    line.add(first, same);
    assert.equal(takeNext(line), "channels/1");
    assert.equal(takeNext(line), "channels/2");
    assert.equal(takeNext(line), undefined);
  });

  it("passes over what is its queue's next no more", () => {
    const line = createFairQueue<void>();
    const gone = queue(1);
    line.add(gone, request());
    line.add(queue(2), request());
    gone.entry = undefined;
    assert.equal(takeNext(line), "channels/2");
  });

  it("lets nobody wait for more than one turn of each other queue", () => {
    const events = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant("add" as const), channel: fc.nat({ max: 9 }) }),
        fc.record({ kind: fc.constant("take" as const) }),
      ),
      { maxLength: 200 },
    );
    fc.assert(fc.property(events, (all) => {
      const line = createFairQueue<void>();
      /** Of each queue that waits, who has had a turn since it came. */
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
          line.add(queue(event.channel), request());
          waiting.set(`channels/${event.channel}`, new Set());
        }
      }
    }));
  });
});
