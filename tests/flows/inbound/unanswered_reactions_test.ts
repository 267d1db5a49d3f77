import assert from "node:assert/strict";
import { it } from "node:test";
import type { UnansweredMessage } from "../../../src/core/inbound/inbox.ts";
import { createUnansweredReactions } from "../../../src/flows/inbound/unanswered_reactions.ts";
import { channelId, messageId, userId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

it("[X4a] a refused flood of a person gets one reaction in a minute and place, and no second try", async () => {
  const made: string[] = [];
  let now = 0;
  const react = createUnansweredReactions({
    now: () => now,
    log: recordingLog().log,
    reactions: {
      add(_, id, emoji) {
        made.push(`${id} ${emoji}`);
        return Promise.reject(new Error("50013"));
      },
    },
  });
  const message = (id: string, user: string, channel = "11"): UnansweredMessage => ({
    id: messageId(id),
    channelId: channelId(channel),
    senderId: userId(user),
    why: "queue-full",
  });
  react([message("1", "7"), message("2", "7"), message("3", "8"), message("4", "7", "12")]);
  now = 59_999;
  react([message("5", "7")]);
  now = 60_000;
  react([{ ...message("6", "7"), why: "refused" }]);
  await settle();
  assert.deepEqual(made, ["1 ⏳", "3 ⏳", "4 ⏳", "6 🚫"]);
});
