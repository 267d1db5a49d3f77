import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPause } from "../../../src/interactions/parts/switches.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { callOf } from "../../support/discord/calls.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { openTestStore } from "../../support/store/store.ts";

const CALL = callOf("pause");

function build() {
  const { store } = openTestStore();
  const { settings } = store;
  const stopped: unknown[] = [];
  let time = 0;
  const open = () =>
    createPause(
      { accountId: ACCOUNT, store, now: () => ++time, log: recordingLog().log },
      (except) => {
        stopped.push(except);
        return Promise.resolve(2);
      },
    );
  const byHand = (to: boolean) => settings.changePause(ACCOUNT, { to, by: "cli" }, ++time);
  return { open, settings, stopped, byHand };
}

describe("[X4] createPause()", () => {
  it("keeps the pause in the store, and stops all turns but that of the command", async () => {
    const { open, stopped, settings } = build();
    const pause = open();
    assert.equal(settings.isPaused(ACCOUNT), false);
    const first = { ...CALL, id: "1", isText: true } as const;
    assert.deepEqual(await pause.port.toggle(first), { isPaused: true, stopped: 2 });
    assert.equal(settings.isPaused(ACCOUNT), true);
    assert.deepEqual(await settings.pauseOf(ACCOUNT), { by: CALL.sender.id, since: 1 });
    const on = await pause.port.toggle({ ...CALL, id: "2" });
    assert.deepEqual(on, { isPaused: false, stopped: 0 });
    assert.equal(settings.isPaused(ACCOUNT), false);
    await pause.port.toggle({ ...CALL, id: "3" });
    assert.deepEqual(stopped, ["1", undefined]);
  });

  it("does not take a pause back if a crash repeats its command, nor its end", async () => {
    const { open, stopped } = build();
    for (let run = 0; run < 2; run++) {
      assert.equal((await open().port.toggle({ ...CALL, id: "1" })).isPaused, true);
    }
    assert.equal(stopped.length, 2, "the crash may have come before the stop");
    for (let run = 0; run < 2; run++) {
      assert.equal((await open().port.toggle({ ...CALL, id: "2" })).isPaused, false);
    }
  });

  it("stops turns once if the command line pauses the bot", async () => {
    const { open, stopped, byHand } = build();
    const pause = open();
    await pause.changed();
    assert.deepEqual(stopped, []);
    await byHand(true);
    await pause.changed();
    await pause.changed();
    assert.deepEqual(stopped, [undefined]);
    await byHand(false);
    await pause.changed();
    await byHand(true);
    await pause.changed();
    assert.equal(stopped.length, 2);
  });

  it("stops nothing for a pause that is older than the bot, nor for its own", async () => {
    const { open, stopped, byHand } = build();
    await byHand(true);
    const pause = open();
    await pause.changed();
    assert.deepEqual(stopped, []);
    await pause.port.toggle({ ...CALL, id: "1" });
    await pause.port.toggle({ ...CALL, id: "2" });
    await pause.changed();
    assert.equal(stopped.length, 1);
  });
});
