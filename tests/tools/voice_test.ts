import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { VoiceAction } from "../../src/account/extra_parts.ts";
import { voice } from "../../src/tools/voice.ts";
import { testAccount } from "../support/bot/test_account.ts";
import { guildMessage } from "../support/discord/builders.ts";
import { toolContext } from "../support/model/tools.ts";

async function build() {
  const calls: (readonly [VoiceAction, number])[] = [];
  const voicePort = (action: VoiceAction, { length }: readonly unknown[]) => {
    calls.push([action, length]);
    return Promise.resolve("done");
  };
  const extras = [{ account: () => Promise.resolve(() => ({ voice: voicePort })) }];
  const { account } = await testAccount({ extras });
  const context = toolContext({ account, also: [guildMessage()] });
  return {
    calls,
    run: async (given: object) => await voice.run(voice.input.parse(given), context),
  };
}

describe("[V1] the tool voice", () => {
  it("acts for all authors of the turn's messages", async () => {
    const { calls, run } = await build();
    for (
      const given of [
        { action: "join", channelId: "21" },
        { action: "leave" },
        { action: "say", text: "ahoy" },
      ]
    ) assert.equal(await run(given), "done");
    assert.deepEqual(calls, [
      [{ action: "join", channelId: "21" }, 2],
      [{ action: "leave" }, 2],
      [{ action: "say", text: "ahoy" }, 2],
    ]);
  });

  it("says no empty text, and takes no other action", async () => {
    const { run } = await build();
    await assert.rejects(run({ action: "say" }), /`say` needs `text`/);
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
