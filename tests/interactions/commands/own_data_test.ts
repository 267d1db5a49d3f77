import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ButtonPress, SlashCommand } from "../../../src/core/inbound/interactions.ts";
import type { InteractionContext } from "../../../src/interactions/base/context.ts";
import { memory, undo, undoButton } from "../../../src/interactions/commands/own_data.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { spaceOf } from "../../../src/core/notes/note.ts";
import { directMessage, guildMessage, sender, userId } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";

type Outcome = Awaited<ReturnType<InteractionContext["undo"]>>;

describe("[K2] [T3] /undo", () => {
  const run = async (options: object, outcome: Outcome) => {
    const asked: unknown[] = [];
    const context = {
      undo: (_call: unknown, id: unknown) => {
        asked.push(id);
        return Promise.resolve(outcome);
      },
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

const GRACE = sender({ id: userId("222222222222222222"), username: "grace" });

async function build(texts: readonly string[] = ["tea at *five*", "no sugar"]) {
  const { store: { notes } } = openTestStore();
  for (const text of texts) {
    const asker = guildMessage();
    await notes.save({
      agentId: "main",
      scope: "member",
      scopeKey: "member:x",
      space: spaceOf(asker),
      channelId: asker.channelId,
      authorId: asker.sender.id,
      text,
      sources: [],
      callKey: text,
      isOwnWords: true,
    }, 1);
  }
  const use = (options: SlashCommand["options"], message = guildMessage()) =>
    memory.run({ ...message, options } as unknown as SlashCommand, {
      store: { notes },
      cleanSecrets: (text: string) => text.replaceAll("hunter2", "[redacted]"),
      now: () => 2,
    } as unknown as InteractionContext);
  return { notes, use };
}

describe("[T14] /memory", () => {
  it("lists one's own notes, without their Markdown, the newest first", async () => {
    const { use } = await build();
    assert.equal(await use({}), "**2** (member) no sugar\n**1** (member) tea at \\*five\\*");
    assert.match(String(await use({}, guildMessage({ sender: GRACE }))), /no notes/);
  });

  it("keeps the list within a message", async () => {
    const { use } = await build(Array.from({ length: 20 }, (_, n) => `${n}${"*".repeat(900)}`));
    assert.ok(String(await use({})).length <= 2_000);
  });

  it("shows one whole", async () => {
    const { use } = await build(["*".repeat(900)]);
    const text = String(await use({ show: 1 }));
    assert.ok(text.length <= 2_000 && text.length > 1_800);
  });

  it("edits and deletes", async () => {
    const { use, notes } = await build();
    assert.match(String(await use({ edit: 1 })), /give its new `text`/);
    assert.match(String(await use({ edit: 1, text: "hunter2" })), /1 is changed/);
    assert.equal((await notes.find(1))?.text, "[redacted]");
    assert.match(String(await use({ delete: 1 })), /1 is deleted/);
    assert.match(String(await use({ delete: 1 })), /no note 1 here/);
  });

  it("touches no note of another person", async () => {
    const { use, notes } = await build();
    const all: Record<string, string | number>[] = [
      { show: 1 },
      { edit: 1, text: "x" },
      { delete: 1 },
    ];
    for (const options of all) {
      const answer = String(await use(options, guildMessage({ sender: GRACE })));
      assert.match(answer, /no note 1 here/);
    }
    assert.equal((await notes.find(1))?.text, "tea at *five*");
  });

  it("works on all own notes in direct messages", async () => {
    const { use } = await build();
    assert.match(String(await use({}, directMessage())), /no sugar/);
  });
});
