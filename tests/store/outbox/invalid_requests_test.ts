import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import {
  createInvalidRequests,
  INVALID_WINDOW_MS,
} from "../../../src/discord/rest/scheduler/rate_limiter.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";

const MINUTE = 29_000_000;
const SECOND = toAccountId("second");

describe("createInvalidRequestCounts()", () => {
  it("[D3] counts by minute and account", async () => {
    const { store } = openTestStore();
    for (const minute of [MINUTE, MINUTE, MINUTE + 2]) {
      await store.outbox.addInvalidRequest(ACCOUNT, minute);
    }
    await store.outbox.addInvalidRequest(SECOND, MINUTE);
    assert.deepEqual(await store.outbox.loadInvalidRequests(ACCOUNT, 0), [
      { minute: MINUTE, count: 2 },
      { minute: MINUTE + 2, count: 1 },
    ]);
    assert.deepEqual(await store.outbox.loadInvalidRequests(ACCOUNT, MINUTE + 1), [
      { minute: MINUTE + 2, count: 1 },
    ]);
    assert.deepEqual(await store.outbox.loadInvalidRequests(SECOND, MINUTE), [
      { minute: MINUTE, count: 1 },
    ]);
  });

  it("[D3] keeps only the minutes that still count", async () => {
    const { store, rows } = openTestStore();
    const began = MINUTE * 60_000;
    let stored = Promise.resolve();
    const counted = createInvalidRequests([], (minute) => {
      stored = store.outbox.addInvalidRequest(ACCOUNT, minute);
    });
    for (let at = began; at < began + 3 * INVALID_WINDOW_MS; at += 45_000) {
      counted.note(at);
      await stored;
      const minutes = await store.outbox.loadInvalidRequests(ACCOUNT, 0);
      const afterRestart = createInvalidRequests(minutes, () => {});
      assert.equal(afterRestart.count(at), counted.count(at));
    }
    assert.equal(rows("SELECT * FROM invalid_request").length, 11);
  });
});
