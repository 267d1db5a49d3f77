/** Tests that a pause ends turns and their tools, by both of its commands (X4). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Scene } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

const PAUSED = "My owner has paused me. Ask again later.";

/** Requests that the model answers at once. */
const AT_ONCE = 3;

/**
 * Pauses a bot within a turn whose model calls a tool in each answer, for ever. The answer after the
 * pause calls one more tool, which must not run.
 */
async function endsTurns(
  play: ReturnType<typeof sharedBot>,
  pause: (scene: Scene) => Promise<unknown>,
): Promise<void> {
  const held = Promise.withResolvers<void>();
  let asked = 0;
  await using model = await startFixedModel(async () => {
    const id = ++asked;
    if (id > AT_ONCE) await held.promise;
    return {
      calls: [{ id: `call_${id}`, name: "read_channel_history", arguments: '{"limit":1}' }],
    };
  });
  await play(async (scene) => {
    const { say, mention, until, eventually, rows, written, simulator, cli, here } = scene;
    const reads = () =>
      simulator.requests.records().filter(({ method, path }) =>
        method === "GET" && /\/messages(?:\?|$)/.test(path)
      ).length;
    const { id } = say("grace", here, `${mention} read everything`);
    await until("the held request", () => asked > AT_ONCE);
    const before = reads();
    assert.ok(before > 0, "the tool has run");
    await pause(scene);
    await eventually(
      "the end of the turn",
      () =>
        Promise.resolve(
          rows(`SELECT 1 FROM inbox WHERE message_id = '${id}' AND state = 'stopped'`).length === 1,
        ),
    );
    held.resolve();
    say("grace", here, `${mention} go on`);
    await until("the notice", () => written(here).includes(PAUSED));
    assert.equal(asked, AT_ONCE + 1, "no further request to the model");
    assert.equal(reads(), before, "no further call of the tool");
    assert.equal((await cli("resume")).code, 0);
  }, { config: model.config });
}

describe("[SEC-R29] [X4] a pause", () => {
  const play = sharedBot({});

  it("by `/pause` ends a turn that calls tools again and again", () =>
    endsTurns(play, async ({ say, replies }) => {
      say("ada", "dm", "/pause");
      await replies("dm", 1, "ada");
    }));

  it("by `barnacle pause` does, too", () =>
    endsTurns(play, async ({ cli }) => {
      const { code, stderr } = await cli("pause");
      assert.equal(code, 0, stderr.join("\n"));
    }));
});
