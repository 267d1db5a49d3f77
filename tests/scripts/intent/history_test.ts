import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { labelHistory, proposeThreshold, scoresOf } from "../../../scripts/intent/history.ts";
import type { TalkedMessage } from "../../../src/store/messages/messages.ts";
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
  it("[I2] follow from mentions, replies, answers of people and outcomes", () => {
    const talk = [
      wrote(ADA, "how?", { mention: "user" }),
      answered(messageId("21"), FIRST),
      wrote(ADA, "and on Debian?", { id: FIRST }),
      answered(messageId("22"), FIRST),
      wrote(BOB, "I think so", { id: SECOND }),
      answered(messageId("23"), SECOND, BOB),
      wrote(ADA, "ok thanks"),
      wrote(BOB, "lunch?"),
      wrote(ADA, "bob: sure"),
      wrote(BOB, "a reply", { replyTo: messageId("22") }),
      wrote(BOB, "no one heard this"),
    ];
    const outcomes = new Map([["22", true], ["23", false]]);
    const labelled = labelHistory(talk, BOT, outcomes);
    assert.deepEqual(
      labelled.filter(({ author }) => author !== BOT).map(({ text, label }) => [text, label]),
      [
        ["how?", true],
        ["and on Debian?", true],
        ["I think so", false],
        ["ok thanks", undefined],
        ["lunch?", false],
        ["bob: sure", undefined],
        ["a reply", true],
        ["no one heard this", undefined],
      ],
    );
    assert.deepEqual(labelled[1]?.to, [ADA]);
  });

  it("[I2] are not given for answers of people after five minutes, except replies", () => {
    const [early, old] = [messageId("31"), messageId("32")];
    const talk = [wrote(BOB, "who knows?", { id: early }), wrote(BOB, "anyone?", { id: old })];
    at += 600_000;
    talk.push(wrote(ADA, "bob: I was away"), wrote(ADA, "I do", { replyTo: early }));
    const labelled = labelHistory(talk, BOT, new Map());
    assert.deepEqual(labelled.map(({ label }) => label), [false, undefined, undefined, undefined]);
  });
});

describe("the threshold for a history", () => {
  it("[I2] is another one only if it is better on the newest messages too", () => {
    const talk = Array.from({ length: 60 }, () => [
      wrote(ADA, "how do I resize an image?", { mention: "user" }),
      answered(messageId(String(1_000 + (at += 1_000))), FIRST),
      wrote(ADA, "and a smaller one?", { mention: "user" }),
      wrote(BOB, "ada: lunch at noon?"),
      wrote(ADA, "bob: sure"),
      wrote(BOB, "ada: great, the usual place"),
    ]).flat();
    const scores = scoresOf(labelHistory(talk, BOT, new Map()), BOT);
    assert.equal(scores.filter(({ label }) => label).length, 120);
    const best = proposeThreshold(scores, 0.99) ?? NaN;
    assert.ok(best < 0.99);
    assert.equal(proposeThreshold(scores, best), best);
    assert.equal(proposeThreshold(scores.slice(0, 100), 0.7), undefined);
  });
});
