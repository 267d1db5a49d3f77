import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccountContext } from "../../../src/bot/account_context.ts";
import type { AccountServices } from "../../../src/bot/bot_extra.ts";
import type { ChannelId, GuildId, UserId } from "../../../src/core/discord/ids.ts";
import { createAccountVoice } from "../../../src/extras/voice/account_voice.ts";
import { testAccount } from "../../support/account.ts";
import { settle } from "../../support/settle.ts";
import { openTestStore } from "../../support/store/store.ts";

describe("[V1] a config without `voice`", () => {
  it("ends the calls and consents of the config before it", async () => {
    const { store, rows } = openTestStore();
    const { account } = testAccount();
    const { accountId } = account;
    const [guildId, callId] = ["10" as GuildId, "call1"];
    const call = { accountId, guildId, channelId: "21" as ChannelId, callId, terms: "t" };
    await store.voice.begin({ ...call, begunBy: "autoJoin", isOver: false, at: 1 });
    for (const [userId, choice] of [["71", "heard"], ["72", "deaf"]] as const) {
      const by = { accountId, guildId, userId: userId as UserId };
      await store.voice.choose({ ...by, choice, callId, at: 1 });
    }
    const context = { ...account, store } as unknown as AccountContext;
    const part = createAccountVoice(context, { voice: undefined } as unknown as AccountServices);
    part.start?.();
    for (let round = 0; round < 20; round++) await settle();
    assert.deepEqual(rows("SELECT * FROM voice_call"), []);
    assert.deepEqual(rows("SELECT choice FROM voice_choice"), [{ choice: "deaf" }], "it holds");
  });
});
