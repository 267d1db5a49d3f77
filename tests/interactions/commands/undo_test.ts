import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ButtonPress, SlashCommand } from "../../../src/core/inbound/interactions.ts";
import type { InteractionContext } from "../../../src/interactions/base/context.ts";
import { undo, undoButton } from "../../../src/interactions/commands/own_data.ts";
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

describe("[T3] the Undo button", () => {
  const press = async (customId: string, outcomes: readonly Outcome[]) => {
    const asked: unknown[] = [];
    const context = {
      undoTurn: (_press: unknown, turnId: unknown) => {
        asked.push(turnId);
        return Promise.resolve(outcomes);
      },
      texts: () => ({}),
      log: recordingLog().log,
    } as unknown as InteractionContext;
    assert.ok(undoButton.kind === "button");
    const answer = await undoButton.run({ id: "1", customId } as unknown as ButtonPress, context);
    return { text: await answer?.later?.(), asked };
  };

  it("takes back all changes of its turn, and tells each result", async () => {
    const { text, asked } = await press("undo:1456074443980800001", [
      { kind: "undone", id: 2, what: "rename #b", does: "sets it back" },
      { kind: "refused", why: "they lack a right" },
    ]);
    assert.deepEqual(asked, ["1456074443980800001"]);
    assert.equal(
      text,
      "Undone: rename #b. This sets it back.\nI could not undo that: they lack a right.",
    );
  });

  it("tells that nothing is left", async () => {
    const { text } = await press("undo:1456074443980800001", []);
    assert.match(text ?? "", /nothing of that answer can be taken back any more/);
  });

  it("[SEC-R19] does nothing for a forged id", async () => {
    assert.deepEqual(await press("undo:all", []), { text: undefined, asked: [] });
  });
});
