import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAccounts, sessionStartLimit } from "../../src/simulator/account.ts";
import { demoWorld } from "../../src/simulator/demo_world.ts";

const NOW = Date.UTC(2026, 0, 2);
const DAY_MS = 24 * 60 * 60 * 1000;

describe("[G5] sessionStartLimit()", () => {
  const cases: readonly [string, readonly number[], remaining: number, resetAfter: number][] = [
    ["nothing spent", [], 1_000, 0],
    ["two today", [NOW - 10, NOW], 998, DAY_MS - 10],
    ["yesterday's are forgotten", [NOW - DAY_MS, NOW - 1], 999, DAY_MS - 1],
    ["more than there are", Array.from({ length: 1_001 }, () => NOW), 0, DAY_MS],
  ];
  for (const [what, identifies, remaining, resetAfter] of cases) {
    it(what, () => {
      const { world, barnacle } = demoWorld();
      const account = createAccounts(world).of(barnacle);
      account.identifies.push(...identifies);
      assert.deepEqual(sessionStartLimit(account, { total: 1_000, maxConcurrency: 1 }, NOW), {
        total: 1_000,
        remaining,
        reset_after: resetAfter,
        max_concurrency: 1,
      });
    });
  }
});

describe("[D3] createAccounts()", () => {
  it("counts invalid requests of the last ten minutes, for all applications together", () => {
    const { world, barnacle, otherBot } = demoWorld();
    const accounts = createAccounts(world);
    accounts.noteInvalid(NOW);
    assert.equal(accounts.noteInvalid(NOW + 599_999), 2);
    assert.equal(accounts.noteInvalid(NOW + 600_000), 2);
    assert.equal(accounts.of(barnacle).invalidRequests, accounts.of(otherBot).invalidRequests);
  });

  it("knows no token that was reset", () => {
    const { world, barnacle } = demoWorld();
    const accounts = createAccounts(world);
    assert.equal(accounts.byToken(barnacle.token), accounts.of(barnacle));
    accounts.of(barnacle).tokenResetAt = NOW;
    assert.equal(accounts.byToken(barnacle.token), undefined);
  });
});
