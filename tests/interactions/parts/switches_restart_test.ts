import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRestart } from "../../../src/interactions/parts/switches.ts";
import { isSupervised } from "../../../src/lib/env.ts";
import { restart } from "../../../src/interactions/commands/bot.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { callOf } from "../../support/discord/calls.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";
import { openTestStore } from "../../support/store/store.ts";

function build(isSupervised: boolean) {
  const { store } = openTestStore();
  let stops = 0;
  const schedule = (run: () => void) => {
    run();
    return () => {};
  };
  const port = createRestart(
    { accountId: ACCOUNT, store, schedule, now: () => 0 },
    () => isSupervised,
    () => void stops++,
  );
  const context = interactionContext({ restart: port });
  const use = async (id: string) => String(await restart.run(callOf("restart", { id }), context));
  return { use, stops: () => stops };
}

describe("[K2] /restart", () => {
  it("stops the process once for each command", async () => {
    const { use, stops } = build(true);
    assert.equal(await use("1"), "I am restarting. I will be back in a moment.");
    assert.equal(await use("1"), "I have restarted.");
    assert.equal(stops(), 1);
    await use("2");
    assert.equal(stops(), 2);
  });

  it("is refused where nothing would start the process again", async () => {
    const { use, stops } = build(false);
    assert.match(await use("1"), /no supervisor/);
    assert.equal(stops(), 0);
  });

  const cases: readonly [env: Record<string, string>, is: boolean][] = [
    [{}, false],
    [{ INVOCATION_ID: "a", SYSTEMD_EXEC_PID: "6" }, false], // a terminal of a desktop
    [{ SYSTEMD_EXEC_PID: "7" }, true],
    [{ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, true],
    [{ BARNACLE_SUPERVISED: "1" }, true],
    [{ BARNACLE_SUPERVISED: "0" }, false],
  ];
  for (const [env, is] of cases) {
    it(`${is ? "has" : "has no"} supervisor with ${JSON.stringify(env)}`, () => {
      assert.equal(isSupervised(env, 7), is);
    });
  }
});
