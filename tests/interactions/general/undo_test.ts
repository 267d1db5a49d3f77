import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SlashCommand } from "../../../src/core/inbound/interactions.ts";
import type { InteractionContext } from "../../../src/interactions/base/context.ts";
import { undo } from "../../../src/interactions/general/undo.ts";
import { recordingLog } from "../../support/recording_log.ts";

type Outcome = Awaited<ReturnType<InteractionContext["undo"]>>;

describe("[K2] [T3] /undo", () => {
  const run = async (options: object, outcome: Outcome) => {
    const asked: unknown[] = [];
    const context = {
      undo: (_call: unknown, id: unknown) => {
        asked.push(id);
        return Promise.resolve(outcome);
      },
      texts: () => ({}),
      log: recordingLog().log,
    } as unknown as InteractionContext;
    const text = await undo.run({ id: "1", options } as unknown as SlashCommand, context);
    return { text, asked };
  };

  it("tells what it took back", async () => {
    const outcome = { kind: "undone", id: 3, what: "rename #krill", does: "sets it back" } as const;
    assert.deepEqual(await run({ id: 3 }, outcome), {
      text: "Undone: rename #krill. This sets it back.",
      asked: [3],
    });
    assert.deepEqual((await run({}, outcome)).asked, [undefined]);
  });

  it("tells why it cannot", async () => {
    const { text } = await run({}, { kind: "refused", why: "there is nothing" });
    assert.equal(text, "I could not undo that: there is nothing.");
  });
});
