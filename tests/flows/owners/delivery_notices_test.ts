import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFileNotices } from "../../../src/flows/owners/delivery_notices.ts";
import type { ChannelId } from "../../../src/core/discord/ids.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";
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
