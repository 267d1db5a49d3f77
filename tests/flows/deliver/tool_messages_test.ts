import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSentWatch, PATIENCE_MS } from "../../../src/flows/deliver/tool_messages.ts";
import type { OutboundMessage } from "../../../src/core/outbound/outbound.ts";
import { channelId } from "../../support/discord/builders.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const rowOf = (nonce: string): { readonly message: OutboundMessage } => ({
  message: {
    accountId: toAccountId("default"),
    channelId: channelId("1390000000000000011"),
    nonce,
    content: "x",
    pings: { users: [], roles: [], quotedAuthor: false },
  },
});

describe("[T3] createSentWatch()", () => {
  it("waits for an attempt for each message", async () => {
    const watch = createSentWatch(new FakeClock().schedule);
    let isOver = false;
    const ended = watch.ended(["a", "b"], new AbortController().signal).then(() => isOver = true);
    watch.attempted(rowOf("a"));
    watch.attempted(rowOf("c"));
    await Promise.resolve();
    assert.equal(isOver, false);
    watch.attempted(rowOf("b"));
    await ended;
  });

  it("waits no longer than its patience, and not after the end of a call", async () => {
    const clock = new FakeClock();
    const watch = createSentWatch(clock.schedule);
    const late = watch.ended(["a"], new AbortController().signal);
    clock.advance(PATIENCE_MS);
    await late;
    const ending = new AbortController();
    const cut = watch.ended(["a"], ending.signal);
    ending.abort();
    await cut;
    await watch.ended(["a"], ending.signal);
  });
});
