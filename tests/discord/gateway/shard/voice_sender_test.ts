import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId, GuildId } from "../../../../src/core/discord/ids.ts";
import {
  createVoiceSender,
  VOICE_LIMIT,
} from "../../../../src/discord/gateway/shard/voice_sender.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const own = (guild: number, channel: number) => ({
  guildId: String(guild) as GuildId,
  channelId: String(channel) as ChannelId,
});

function build() {
  const clock = new FakeClock();
  const sent: string[] = [];
  const state = { isReady: true };
  const sender = createVoiceSender({
    after: (ms, run) => clock.schedule(run, ms),
    isReady: () => state.isReady,
    send: ({ guildId, channelId }) => void sent.push(`${guildId}/${channelId}`),
  });
  return { clock, sent, state, sender };
}

describe("[X4a] [V9] createVoiceSender()", () => {
  it("sends within its share, and of a guild the newest alone", () => {
    const { clock, sent, sender } = build();
    for (let channel = 0; channel < 40; channel++) sender.add(own(channel % 2, channel));
    assert.equal(sent.length, VOICE_LIMIT.max);
    clock.advance(VOICE_LIMIT.everyMs);
    assert.deepEqual(sent.slice(VOICE_LIMIT.max).toSorted(), ["0/38", "1/39"]);
  });

  it("waits for the session", () => {
    const { sent, state, sender } = build();
    state.isReady = false;
    sender.add(own(1, 2));
    sender.add(own(1, 3));
    assert.deepEqual(sent, []);
    state.isReady = true;
    sender.flush();
    assert.deepEqual(sent, ["1/3"]);
  });
});
