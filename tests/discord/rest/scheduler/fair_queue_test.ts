import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { routeOf } from "../../../../src/discord/rest/exchange/exchange.ts";
import {
  createFairQueue,
  createRequestQueue,
  type WaitingRequest,
} from "../../../../src/discord/rest/scheduler/request_queue.ts";

function queue(channel: number) {
  return createRequestQueue(routeOf("POST", `/channels/${channel}/messages`));
}

/** A reply that waits without a deadline. */
function request(): WaitingRequest {
  return {
    options: { priority: "reply", notAfter: Infinity },
    notBefore: -Infinity,
    resolve: () => undefined,
    reject: () => undefined,
    isWaiting: true,
    cancelLimit: undefined,
  };
}

function takeNext(fairQueue: ReturnType<typeof createFairQueue>): string | undefined {
  const next = fairQueue.next("reply");
  if (next) fairQueue.take(next);
  return next?.queue.route.major;
}

describe("[D4] createFairQueue()", () => {
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
