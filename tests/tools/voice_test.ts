import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { voice } from "../../src/features/voice/tool.ts";
import { testAccount } from "../support/bot/test_account.ts";
import { guildMessage } from "../support/discord/builders.ts";
import { toolContext } from "../support/model/tools.ts";

describe("[V1] the tool voice", () => {
  it("says no empty text, and takes no other action", async () => {
    const { account } = await testAccount();
    const said = voice.run(voice.input.parse({ action: "say" }), toolContext({ account }));
    await assert.rejects(Promise.resolve(said), /`say` needs `text`/);
    assert.equal(voice.input.safeParse({ action: "say", text: "" }).success, false);
    assert.equal(voice.input.safeParse({ action: "listen" }).success, false);
  });

  it("repeats after a crash all but a speech, and tells its effect", () => {
    assert.equal(voice.mayRepeat?.({ action: "join" }), true);
    assert.equal(voice.mayRepeat?.({ action: "say", text: "a" }), false);
    const effect = voice.effect?.({ action: "join" }, guildMessage());
    assert.deepEqual(effect, { object: "voice channel", did: "joined" });
  });
});
