import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { labelHistory } from "../../../src/cli/intent/history.ts";
import type { TalkedMessage } from "../../../src/core/store/received.ts";
import { channelId, messageId, userId } from "../../support/discord/builders.ts";

const [BOT, ADA, BOB] = [userId("1"), userId("2"), userId("3")];
const [FIRST, SECOND] = [messageId("11"), messageId("12")];

let at = 0;

function wrote(
  sender: typeof ADA,
  text: string,
  rest: Partial<Extract<TalkedMessage, { kind: "person" }>> = {},
): TalkedMessage {
  const username = sender === ADA ? "ada" : "bob";
  const sentAt = at += 1_000;
  const id = messageId(String(1_000 + at));
  const channel = channelId("9");
  return {
    kind: "person",
    id,
    channelId: channel,
    sender: { id: sender, username },
    text,
    sentAt,
    ...rest,
  };
}

function answered(id: typeof FIRST, answers: typeof FIRST, to = ADA): TalkedMessage {
  const sentAt = at += 1_000;
  return { kind: "own", id, channelId: channelId("9"), text: "so", sentAt, to, answers };
}

describe("labels of the history", () => {
  it("[I2] follow from mentions, replies, answers and their outcomes", () => {
    const talk = [
      wrote(ADA, "how?", { mention: "user", isAccepted: true }),
      answered(messageId("21"), FIRST),
      wrote(ADA, "and on Debian?", { id: FIRST, isAccepted: true }),
      answered(messageId("22"), FIRST),
      wrote(BOB, "I think so", { id: SECOND, isAccepted: true }),
      answered(messageId("23"), SECOND, BOB),
      wrote(ADA, "unknown", { isAccepted: true }),
      wrote(BOB, "lunch?"),
      wrote(BOB, "a reply", { replyTo: messageId("22") }),
      wrote(ADA, "bob: sure"),
    ];
    const outcomes = new Map([["22", true], ["23", false]]);
    const labelled = labelHistory(talk, BOT, outcomes);
    assert.deepEqual(
      labelled.filter(({ author }) => author !== BOT).map(({ label }) => label),
      [true, true, false, undefined, false, true, false],
    );
    assert.deepEqual(labelled.at(-1)?.to, [BOB]);
    assert.deepEqual(labelled[1]?.to, [ADA]);
  });
});
