import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { routeOf } from "../../../../src/discord/rest/exchange/route.ts";
import {
  createFairQueue,
  createRequestQueue,
} from "../../../../src/discord/rest/scheduler/request_queue.ts";
import { request } from "./request.ts";

function queue(channel: number) {
  return createRequestQueue(routeOf("POST", `/channels/${channel}/messages`));
}

function takeNext(fairQueue: ReturnType<typeof createFairQueue>): string | undefined {
  const next = fairQueue.next("reply");
  if (next) fairQueue.take(next);
  return next?.queue.route.major;
}

describe("[D4] createFairQueue()", () => {
  it("is first come, first served for new queues", () => {
    const fairQueue = createFairQueue();
    for (const channel of [3, 1, 2]) fairQueue.add(queue(channel), request());
    const order = [1, 2, 3, 4].map(() => takeNext(fairQueue));
    assert.deepEqual(order, ["channels/3", "channels/1", "channels/2", undefined]);
  });

  it("puts the queue with the oldest last turn first, regardless of the order of joining", () => {
    const fairQueue = createFairQueue();
    for (const channel of [1, 2, 3]) fairQueue.add(queue(channel), request());
    for (let n = 0; n < 3; n++) takeNext(fairQueue);
    for (const channel of [3, 1, 2]) fairQueue.add(queue(channel), request());
    assert.deepEqual([1, 2, 3].map(() => takeNext(fairQueue)), [
      "channels/1",
      "channels/2",
      "channels/3",
    ]);
  });

  it("puts a new queue behind all waiting ones", () => {
    const fairQueue = createFairQueue();
    fairQueue.add(queue(1), request());
    takeNext(fairQueue);
    fairQueue.add(queue(1), request());
    for (const channel of [2, 3]) fairQueue.add(queue(channel), request());
    assert.deepEqual([1, 2, 3].map(() => takeNext(fairQueue)), [
      "channels/1",
      "channels/2",
      "channels/3",
    ]);
  });

  it("keeps the position of a request that is added again", () => {
    const fairQueue = createFairQueue();
    const [first, same] = [queue(1), request()];
    fairQueue.add(first, same);
    fairQueue.add(queue(2), request());
    fairQueue.add(first, same);
    assert.equal(takeNext(fairQueue), "channels/1");
    assert.equal(takeNext(fairQueue), "channels/2");
    assert.equal(takeNext(fairQueue), undefined);
  });

  it("skips an entry that is no longer its queue's", () => {
    const fairQueue = createFairQueue();
    const skipped = queue(1);
    fairQueue.add(skipped, request());
    fairQueue.add(queue(2), request());
    skipped.entry = undefined;
    assert.equal(takeNext(fairQueue), "channels/2");
  });

  it("lets a queue wait for at most one turn of each other queue", () => {
    const events = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant("add" as const), channel: fc.nat({ max: 9 }) }),
        fc.record({ kind: fc.constant("take" as const) }),
      ),
      { maxLength: 200 },
    );
    fc.assert(fc.property(events, (all) => {
      const fairQueue = createFairQueue();
      /** For each waiting queue, the queues that have had a turn since it joined. */
      const waiting = new Map<string, Set<string>>();
      for (const event of all) {
        if (event.kind === "take") {
          const taken = takeNext(fairQueue);
          assert.equal(taken === undefined, waiting.size === 0);
          if (taken === undefined) continue;
          waiting.delete(taken);
          for (const [name, turns] of waiting) {
            assert.ok(!turns.has(taken), `${taken} had two turns while ${name} waited`);
            turns.add(taken);
          }
        } else if (!waiting.has(`channels/${event.channel}`)) {
          fairQueue.add(queue(event.channel), request());
          waiting.set(`channels/${event.channel}`, new Set());
        }
      }
    }));
  });
});
