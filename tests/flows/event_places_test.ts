import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { placeOfEvents } from "../../src/flows/event_places.ts";
import { testAccount } from "../support/bot/test_account.ts";
import { refused } from "../support/discord/answers.ts";
import { CHANNEL, guildData } from "../support/discord/payloads.ts";

const FORUM = "1700000000000000077";

describe("[W3] placeOfEvents()", () => {
  const rows: readonly (readonly [to: string, why: RegExp, code?: number])[] = [
    [`channel:${FORUM}`, /#ideas is a forum: name a text channel, or a post of the forum/],
    ["channel:1700000000000000099", /Discord has no channel 1700000000000000099/, 10_003],
    ["channel:1700000000000000099", /the bot may not see the channel/, 50_001],
    ["user:1900000000000000001", /./, 50_007],
  ];
  for (const [to, why, code] of rows) {
    it(`refuses ${to}: ${why.source}`, async () => {
      const { account, receive } = await testAccount({
        answer: () => code && refused(code === 10_003 ? 404 : 403, code),
      });
      const forum = { id: FORUM, type: 15, name: "ideas", parent_id: null };
      await receive("GUILD_CREATE", guildData({ channels: [{ id: CHANNEL, type: 0 }, forum] }));
      const place = await placeOfEvents(account, { to } as never);
      assert.match(place.kind === "refused" ? place.reason : "", why);
    });
  }
});
