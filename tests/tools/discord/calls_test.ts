import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { readsElsewhere } from "../../../src/tools/discord/call_effects.ts";
import { discord } from "../../../src/tools/discord/discord.ts";
import { directMessage, guildMessage } from "../../support/discord/builders.ts";

const here = guildMessage();
const direct = directMessage();
const actionReadsElsewhere = (written: unknown, message: InboundMessage) =>
  discord.isPersonalCall?.(written, message);
const OTHER = "1390000000000000099";

describe("[SEC-R4] results of other channels", () => {
  it("are for the asker alone, in every way to write a channel", () => {
    for (const channelId of [OTHER, `<#${OTHER}>`, `channel:${OTHER}`]) {
      assert.equal(readsElsewhere({ channelId }, here), true);
      assert.equal(readsElsewhere({ channelId }, direct), false, "others do not see this session");
    }
  });

  it("are those of no call for the turn's own channel", () => {
    for (const written of [{}, { channelId: here.channelId }, { channelId: "x" }, undefined, 1]) {
      assert.equal(readsElsewhere(written, here), false);
    }
  });

  it("are those of reading actions, and of each search or list", () => {
    const call = (action: string, channelId?: string) => ({ action, channelId });
    assert.equal(actionReadsElsewhere(call("readMessages", OTHER), here), true);
    assert.equal(actionReadsElsewhere(call("fetchMessage", OTHER), here), true);
    for (const action of ["listPins", "channelInfo", "pollResults", "permissions", "new"]) {
      assert.equal(actionReadsElsewhere(call(action, OTHER), here), true, action);
    }
    for (const action of ["threadCreate", "react", "channelEdit", "pinMessage", "forwardMessage"]) {
      assert.equal(actionReadsElsewhere(call(action, OTHER), here), false, action);
    }
    const linked = (action: string, id: string) => ({
      action,
      messageId: `https://discord.com/channels/1/${id}/7`,
      channelId: here.channelId,
    });
    assert.equal(actionReadsElsewhere(linked("fetchMessage", OTHER), here), true, "a link");
    assert.equal(actionReadsElsewhere(linked("fetchMessage", here.channelId), here), false);
    for (const end of ["around", "before", "after"]) {
      const around = { action: "readMessages", [end]: linked("", OTHER).messageId };
      assert.equal(actionReadsElsewhere(around, here), true, end);
    }
    assert.equal(actionReadsElsewhere(call("searchMessages"), here), true);
    assert.equal(actionReadsElsewhere(call("channelList"), here), true);
    assert.equal(actionReadsElsewhere(call("readMessages"), here), false);
    assert.equal(actionReadsElsewhere(call("sendMessage", OTHER), here), false);
    assert.equal(actionReadsElsewhere(call("searchMessages"), direct), false);
    assert.equal(actionReadsElsewhere("no object", here), false);
  });
});
