import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { ADA, commandAccount } from "../../support/bot/commands.ts";
import { CHANNEL, GUILD } from "../../support/discord/payloads.ts";

const OPEN = {
  dm: { policy: "open", allowFrom: ["*"] },
  guilds: { [GUILD]: { requireMention: false } },
};
const open = () => commandAccount({ discord: OPEN });
const BOB = { ...ADA, id: "1900000000000000002", username: "bob" };

describe("[T14] /memory", () => {
  const noted = async (...texts: string[]) => {
    const bot = await open();
    for (const text of texts.length > 0 ? texts : ["tea at *five*", "no sugar"]) {
      await bot.store.notes.save({
        ...{ agentId: "main", scope: "member", scopeKey: "member:x", space: `guild:${GUILD}` },
        channelId: CHANNEL,
        authorId: parseSnowflake<"user">(ADA.id) ?? assert.fail(),
        ...{ text, sources: [], callKey: text, isOwnWords: true },
      }, 1);
    }
    const use = (values = {}, as = ADA) => bot.slash("memory", values, { as, in: "guild" });
    return { ...bot, use };
  };

  it("lists one's own notes, without their Markdown, the newest first; in private, all", async () => {
    const { use, slash } = await noted();
    const all = "**2** (member) no sugar\n**1** (member) tea at \\*five\\*";
    assert.equal(await use(), all);
    assert.equal(await slash("memory", {}, { as: ADA }), all);
    assert.match(await use({}, BOB), /no notes/);
  });

  it("keeps the list within a message, and shows one whole", async () => {
    const { use } = await noted(...Array.from({ length: 20 }, (_, n) => `${n}${"*".repeat(900)}`));
    assert.ok((await use()).length <= 2_000);
    const { length } = await use({ show: 1 });
    assert.ok(length <= 2_000 && length > 1_800);
  });

  it("edits and deletes one's own notes, and none of another person", async () => {
    const { use, store: { notes } } = await noted();
    for (const values of [{ show: 1 }, { edit: 1, text: "x" }, { delete: 1 }]) {
      assert.match(await use(values, BOB), /no note 1 here/);
    }
    assert.match(await use({ edit: 1 }), /give its new `text`/);
    assert.match(await use({ edit: 1, text: "it is hunter2" }), /1 is changed/);
    assert.doesNotMatch((await notes.find(1))?.text ?? "", /hunter2/);
    assert.match(await use({ delete: 1 }), /1 is deleted/);
    assert.match(await use({ delete: 1 }), /no note 1 here/);
  });
});
