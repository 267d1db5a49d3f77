import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFeed } from "../../../simulator/page/feed.ts";

describe("[O5] createFeed()", () => {
  it("gives everything in order, also events pushed while reading", async () => {
    const feed = createFeed<number>(10);
    feed.push(1);
    feed.push(2);
    const read: number[] = [];
    for await (const news of feed.read()) {
      read.push(news);
      if (news === 2) {
        feed.push(3);
        queueMicrotask(() => feed.push(4));
      }
      if (news === 4) feed.close();
    }
    assert.deepEqual(read, [1, 2, 3, 4]);
  });

  it("ends a waiting reader", async () => {
    const feed = createFeed<number>(10);
    const reading = Array.fromAsync(feed.read());
    await Promise.resolve();
    feed.close();
    assert.deepEqual(await reading, []);
  });

  it("ends at its limit, rather than skip an event", async () => {
    const feed = createFeed<number>(2);
    for (const news of [1, 2, 3]) feed.push(news);
    assert.deepEqual(await Array.fromAsync(feed.read()), []);
  });
});
