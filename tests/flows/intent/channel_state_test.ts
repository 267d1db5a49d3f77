import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createChannelState } from "../../../src/flows/intent/channel_state.ts";
import { guildMessage, messageId, userId } from "../../support/discord/builders.ts";

describe("the state of a channel", () => {
  it("[I1] forgets the oldest of many answers that no one asked for", () => {
    const state = createChannelState(
      { userId: userId("1400000000000000001"), username: "Barnacle" },
      undefined,
    );
    const ids = Array.from(
      { length: 65 },
      (_, index) => messageId(`14000000000000010${String(index).padStart(2, "0")}`),
    );
    for (const id of ids) state.accepted(guildMessage({ id }), true, 0);
    assert.deepEqual(ids.filter((id) => !state.isUnprompted(id)), ids.slice(0, 1));
  });

  it("[I1] takes a first name that no one has for a person, but not the bot's name or an answer", () => {
    const me = userId("1400000000000000001");
    const ask = (text: string, own: string) => {
      const state = createChannelState({ userId: me, username: "Barnacle" }, undefined);
      state.addOwn({ text: own, at: 0, to: [guildMessage().sender.id] });
      return state.add(guildMessage({ text, mention: undefined })).namesOther === 1;
    };
    const said = [
      ["linus, can you send me the file?", "It is at six."],
      ["Barnacle, can you send me the file?", "It is at six."],
      ["linux, the newest one", "Which system do you have?"],
    ] as const;
    assert.deepEqual(said.map(([text, own]) => ask(text, own)), [true, false, false]);
  });
});
