/** Uncertain messages: from the request without an answer to the health report. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeHealth } from "../../src/http/checks.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import { BUILD, HEALTHY } from "../support/bot/health.ts";
import { CREATED, HERE, setUp, UNANSWERED } from "./support/channel_queues.ts";

/** An account with two messages for a channel without a readable history. */
async function build() {
  const all = await setUp([[HERE, "first"], [HERE, "second"]], { lacks: "history" });
  all.pages.push(...Array.from({ length: 9 }, () => []));
  const shown = async () => {
    const { outbox } = await all.store.health();
    const snapshot = { ...HEALTHY, outbox: { ...HEALTHY.outbox, ...outbox } };
    const now = all.clock.now();
    const check = judgeHealth(snapshot, now).find(({ id }) => id === "outbox:uncertain");
    return { check, metrics: createMetrics(BUILD).text(snapshot, { cpuSec: 0 }, now) };
  };
  return { ...all, shown };
}

describe("[D2] a request without an answer for a minute, in a channel without readable history", () => {
  it("is held, counted and shown, and later messages are sent", async () => {
    const { begin, answer, pass, nonces, lines, shown } = await build();
    await begin();
    for (let answered = 0; nonces().at(-1) === "first"; await pass(1_000)) {
      if (answered < nonces().length) await answer(UNANSWERED), answered++;
    }
    await answer(CREATED);
    assert.ok(nonces().filter((nonce) => nonce === "first").length > 1);
    const { check, metrics } = await shown();
    assert.deepEqual([check?.status, check?.why], ["warn", "1 message"]);
    assert.match(metrics, /^barnacle_outbox_depth\{state="uncertain"\} 1$/m);
    assert.equal(lines.filter(({ level }) => level === "error").length, 1);
  });

  it("is not sent again by any number of later starts", async () => {
    const { begin, answer, restart, nonces, clock, shown } = await build();
    await begin();
    await answer(UNANSWERED);
    clock.sleep(60_000);
    for (let start = 0; start < 3; start++) {
      await restart();
      if (start === 0) await answer(CREATED);
    }
    assert.deepEqual(nonces(), ["first", "second"]);
    assert.equal((await shown()).check?.why, "1 message");
  });

  it("is sent again by a start within the minute", async () => {
    const { begin, answer, restart, nonces, clock, shown } = await build();
    await begin();
    await answer(UNANSWERED);
    clock.sleep(59_999);
    await restart();
    await answer(CREATED);
    await answer(CREATED);
    assert.deepEqual(nonces(), ["first", "first", "second"]);
    assert.equal((await shown()).check?.status, "pass");
  });
});
