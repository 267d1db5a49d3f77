import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { routeOf } from "../../../../src/discord/rest/exchange/route.ts";
import { createGate } from "../../../../src/discord/rest/scheduler/rate_limiter.ts";
import type { SchedulingOptions } from "../../../../src/discord/rest/scheduler/request_queue.ts";

const ROUTE = routeOf("GET", "/users/@me");
const NOW = 1_000;
const options = (fields: Partial<SchedulingOptions> = {}): SchedulingOptions => ({
  priority: "reply",
  notAfter: Infinity,
  ...fields,
});

describe("[D3] createGate()", () => {
  it("lets a request leave until its deadline", () => {
    const gate = createGate(() => NOW);
    assert.equal(gate.problemOf(ROUTE, options({ notAfter: NOW })), undefined);
    assert.match(
      gate.problemOf(ROUTE, options({ notAfter: NOW - 1 }))!.message,
      /after its deadline/,
    );
    assert.match(
      gate.problemOf(ROUTE, options({ signal: AbortSignal.abort() }))!.message,
      /the caller cancelled it/,
    );
  });

  it("keeps the reason of the first close", () => {
    const gate = createGate(() => NOW);
    assert.equal(gate.isClosed, false);
    gate.close("unauthorized", "the token is wrong");
    gate.close("unsent", "Barnacle is stopping");
    assert.equal(gate.isClosed, true);
    const problem = gate.problemOf(ROUTE, options())!;
    assert.equal(problem.kind, "unauthorized");
    assert.match(problem.message, /the token is wrong/);
  });

  const waits: readonly [waitMs: number, notAfter: number, isTooLong: boolean][] = [
    [100, NOW + 100, false],
    [100, NOW + 99, true],
    [0, NOW - 1, false], // it leaves now, or problemOf() says why not
    [Infinity, NOW + 99, false], // only a response can tell how long
    [100, Infinity, false],
  ];
  for (const [waitMs, notAfter, isTooLong] of waits) {
    it(`${isTooLong ? "refuses" : "allows"} a wait of ${waitMs} ms up to ${notAfter}`, () => {
      const problem = createGate(() => NOW).tooLong(ROUTE, options({ notAfter }), waitMs);
      assert.equal(problem?.kind, isTooLong ? "rate_limited" : undefined);
    });
  }
});
