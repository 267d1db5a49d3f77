import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createReactedChannels } from "../../../src/store/memory/places.ts";
import { ACCOUNT, channelId } from "../../support/discord/builders.ts";

const keyOf = (channel: number) => ({
  accountId: ACCOUNT,
  channelId: channelId(String(100_000 + channel)),
});

describe("createReactedChannels()", () => {
  it("[H5] knows the channels of the table, and later ones", () => {
    const channels = createReactedChannels();
    assert.ok(channels.mayHave(keyOf(1)), "any, before the table was read");
    channels.know([keyOf(1)]);
    channels.reacted(keyOf(2));
    assert.deepEqual([1, 2, 3].map((channel) => channels.mayHave(keyOf(channel))), [
      true,
      true,
      false,
    ]);
    channels.allSeen(keyOf(1));
    assert.ok(!channels.mayHave(keyOf(1)));
  });

  it("[H5] takes 3 MB at most, and then reads the table again", () => {
    const channels = createReactedChannels();
    channels.know([]);
    for (let channel = 0; channel < 25_000; channel++) {
      channels.reacted(keyOf(channel));
      assert.ok(channels.isKnown && channels.bytes() <= 3_000_000);
    }
    channels.reacted(keyOf(25_000));
    assert.ok(!channels.isKnown && channels.bytes() === 0);
    assert.ok(channels.mayHave(keyOf(25_000)));
  });
});
