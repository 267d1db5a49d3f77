import assert from "node:assert/strict";
import { it } from "node:test";
import type { UnansweredMessage } from "../../src/core/inbound/inbox.ts";
import { showUnanswered } from "../../src/flows/unanswered_reactions.ts";
import { testAccount } from "../support/bot/test_account.ts";
import { refused } from "../support/discord/answers.ts";
import { channelId, messageId, userId } from "../support/discord/builders.ts";

it("[X4a] a refused flood of a person gets one reaction in a minute and place, and no second try", async () => {
  const made: string[] = [];
  const { account, clock, quiet } = await testAccount({
    answer({ path }) {
      const [, id = "", emoji = ""] = /messages\/(\d+)\/reactions\/([^/]+)/.exec(path) ?? [];
      made.push(`${id} ${decodeURIComponent(emoji)}`);
      return refused(403, 50013);
    },
  });
  const react = (...messages: readonly UnansweredMessage[]) => showUnanswered(account, messages);
  const message = (id: string, user: string, channel = "11"): UnansweredMessage => ({
    id: messageId(id),
    channelId: channelId(channel),
    senderId: userId(user),
    why: "queue-full",
  });
  react(message("1", "7"), message("2", "7"), message("3", "8"), message("4", "7", "12"));
  clock.sleep(59_999);
  react(message("5", "7"));
  clock.sleep(1);
  react({ ...message("6", "7"), why: "refused" });
  await quiet();
  assert.deepEqual(made, ["1 ⏳", "3 ⏳", "4 ⏳", "6 🚫"]);
});
