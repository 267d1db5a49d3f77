import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createChannelState } from "../../../src/flows/intent/channel_state.ts";
import { guildMessage, messageId, userId } from "../../support/discord/builders.ts";

describe("the state of a channel", () => {
  it("[I1] forgets the oldest of many answers that no one asked for", () => {
    const state = createChannelState(userId("1400000000000000001"), undefined);
    const ids = Array.from(
      { length: 65 },
      (_, index) => messageId(`14000000000000010${String(index).padStart(2, "0")}`),
    );
    for (const id of ids) state.accepted(guildMessage({ id }), true, 0);
    assert.deepEqual(ids.filter((id) => !state.isUnprompted(id)), ids.slice(0, 1));
  });
});
