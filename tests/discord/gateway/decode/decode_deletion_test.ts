import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeDeletion } from "../../../../src/discord/gateway/decode/other_events.ts";
import { CHANNEL, GUILD } from "../../../support/discord/payloads.ts";

const WHERE = { channel_id: CHANNEL, guild_id: GUILD };
const deletedIn = (channelId: string, ...messageIds: readonly string[]) => ({
  kind: "messages_deleted",
  channelId,
  messageIds,
});
const deleted = (...messageIds: readonly string[]) => deletedIn(CHANNEL, ...messageIds);
const problem = (why: string) => ({ kind: "problem", why });

describe("[P13] decodeDeletion()", () => {
  const cases: readonly [what: string, t: string, d: unknown, expected: unknown][] = [
    ["one message", "MESSAGE_DELETE", { id: "5", ...WHERE }, deleted("5")],
    [
      "a message of direct messages",
      "MESSAGE_DELETE",
      { id: "5", channel_id: "6" },
      deletedIn("6", "5"),
    ],
    [
      "several messages at once",
      "MESSAGE_DELETE_BULK",
      { ids: ["5", "6"], ...WHERE },
      deleted("5", "6"),
    ],
    ["an empty list", "MESSAGE_DELETE_BULK", { ids: [], ...WHERE }, deleted()],
    ["another type", "MESSAGE_CREATE", { id: "5", ...WHERE }, undefined],
    ["no id", "MESSAGE_DELETE", { ...WHERE }, problem("id does not fit")],
    ["no ids", "MESSAGE_DELETE_BULK", { ids: ["private"] }, problem("ids do not fit")],
    ["nothing", "MESSAGE_DELETE", null, problem("id does not fit")],
  ];
  for (const [what, t, d, expected] of cases) {
    it(`decodes ${what}`, () => assert.deepEqual(decodeDeletion({ t, s: 1, d }), expected));
  }
});
