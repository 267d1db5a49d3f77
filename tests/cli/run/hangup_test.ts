import assert from "node:assert/strict";
import process from "node:process";
import { afterEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createHangups } from "../../../src/cli/run/hangup.ts";

/** Sends this process a SIGHUP, and waits until it has arrived. */
async function hangUp(): Promise<void> {
  let hasCome = false;
  process.once("SIGHUP", () => void (hasCome = true));
  process.kill(process.pid, "SIGHUP");
  for (let looks = 0; !hasCome && looks < 500; looks++) await sleep(10); // a signal handler does not keep the event loop alive
  assert.ok(hasCome);
}

describe("[C9] createHangups()", () => {
  afterEach(() => void process.removeAllListeners("SIGHUP"));

  it("calls at each SIGHUP, and keeps the process alive once it is stopped", async () => {
    let calls = 0;
    const stop = createHangups().onHangup(() => void calls++);
    await hangUp();
    await hangUp();
    assert.equal(calls, 2);
    stop();
    await hangUp();
    assert.equal(calls, 2);
  });

  it("remembers a SIGHUP from before the first listener", async () => {
    const hangups = createHangups();
    await hangUp();
    await hangUp();
    let calls = 0;
    hangups.onHangup(() => void calls++);
    assert.equal(calls, 1); // one read is enough
  });
});
