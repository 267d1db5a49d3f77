import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createFileNotices,
  createOwnerNotices,
} from "../../../src/flows/owners/delivery_notices.ts";
import type { ChannelId } from "../../../src/core/discord/ids.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { settle } from "../../support/settle.ts";

const PLACE = {
  channelId: channelId("1400000000000000002"),
  guildId: guildId("1400000000000000010"),
};
const DENIED = "cannot attach files in #ops: Attach Files is denied for the role Krill";

function setUp(explain: () => Promise<string | undefined>, told = new Set<ChannelId>()) {
  const reasons: string[] = [];
  const { log, lines } = recordingLog();
  const notices = createFileNotices({ log }, {
    wasTold: (channel) => Promise.resolve(told.has(channel)),
    noteTold: (channel) => Promise.resolve(void told.add(channel)),
    explain,
    tell: ({ reason }) => Promise.resolve(void reasons.push(reason)),
  });
  return { notices, reasons, lines, told };
}

describe("[R12a] createFileNotices()", () => {
  it("tells the owners once about a channel, also after a restart", async () => {
    const first = setUp(() => Promise.resolve(DENIED));
    first.notices.leftOut(PLACE);
    first.notices.leftOut(PLACE);
    await settle();
    first.notices.refused({ ...PLACE, reason: DENIED });
    await settle();
    const second = setUp(() => Promise.resolve(DENIED), first.told);
    second.notices.leftOut(PLACE);
    await settle();
    assert.deepEqual([first.reasons, second.reasons], [[DENIED], []]);
    assert.equal(first.lines.length, 1);
  });

  it("names the permission if Discord cannot be asked for the cause", async () => {
    for (
      const explain of [
        () => Promise.reject(new Error("no network")),
        () => Promise.resolve(undefined),
      ]
    ) {
      const { notices, reasons } = setUp(explain);
      notices.leftOut(PLACE);
      await settle();
      assert.deepEqual(reasons, ["the permission Attach Files is missing"]);
    }
  });
});

describe("[D5] createOwnerNotices()", () => {
  const REASONS: readonly (readonly [reason: string, shown: string])[] = [
    ["denied for the role __Mods__", "denied for the role \\_\\_Mods\\_\\_"],
    ["the role 👩\u200d💻 نمی\u200cخواهم", "the role 👩\u200d💻 نمی\u200cخواهم"],
    ["cannot post in #*ops*", "cannot post in #\\*ops\\*"],
    ["timed out until 2026-11-29T10:00:00.500Z", "timed out until <t:1795946400:f>"],
  ];
  for (const [reason, shown] of REASONS) {
    it(`shows ${reason} as ${shown}`, async () => {
      const told: string[] = [];
      const clock = new FakeClock();
      const notices = createOwnerNotices({ schedule: clock.schedule }, {
        tell: (text) => Promise.resolve(void told.push(text)),
      });
      notices.parked({ ...PLACE, reason });
      await notices.noFiles({ ...PLACE, reason });
      notices.setAside(PLACE.channelId, reason);
      notices.dead(PLACE.channelId, reason);
      clock.advance(5_000);
      assert.equal(told.length, 4);
      for (const text of told) assert.ok(text.includes(shown) && text.includes("<#14"), text);
    });
  }
});
