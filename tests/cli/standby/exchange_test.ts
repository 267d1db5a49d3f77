import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createExchange } from "../../../src/cli/standby/exchange.ts";
import type { OrderedChange, RowChange } from "../../../src/core/partitions/shared_rows.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { settle } from "../../support/settle.ts";
import { openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 10, 25);

describe("[O16] createExchange()", () => {
  it("wakes the process for each change of a shared row once, until it is sent", async () => {
    const { store } = openTestStore({ partition: { index: 0, count: 2 } });
    const order: OrderedChange[] = [];
    let woken = 0;
    const remote = {
      append: (changes: readonly RowChange[]) => {
        order.push(...changes.map((one) => ({ ...one, sequence: order.length + 1 })));
        return Promise.resolve(true);
      },
      changes: (after: number) => Promise.resolve(order.slice(after)),
      confirm: () => Promise.resolve(),
    };
    const exchange = createExchange(0, remote, store, {
      wake: () => void woken++,
      onApplied() {},
      onForgotten: () => Promise.resolve(),
    }, () => 0);
    const committed = async () => {
      exchange.committed();
      exchange.committed(); // in the same turn of the loop
      await settle();
      return woken;
    };
    assert.equal(await committed(), 0, "nothing waits");
    await store.settings.changePause(ACCOUNT, { to: true, by: "ada" }, NOW);
    assert.equal(await committed(), 1);
    assert.equal(await committed(), 1, "it waits still");
    await exchange.run(0);
    await exchange.run(order.length);
    assert.equal(await store.sharedRows?.isWaiting(), false);
    assert.equal(await committed(), 1, "it is sent");
    await store.settings.changePause(ACCOUNT, { to: false, by: "ada" }, NOW + 1);
    assert.equal(await committed(), 2);
    store.close();
    assert.equal(await committed(), 2, "the store is closed");
  });
});
