import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserId } from "../../../src/core/discord/ids.ts";
import {
  addresseesIn,
  createIntentTracker,
  type IntentJudgement,
  judgeIntent,
  STRANGER,
} from "../../../src/policy/intent/tracker.ts";
import { userId } from "../../support/discord/builders.ts";

const PEOPLE: Readonly<Record<string, UserId>> = {
  bot: userId("1"),
  ada: userId("2"),
  bob: userId("3"),
  cleo: userId("4"),
};

/** A line of a conversation: seconds after the one before, author, people whom it is for, text. */
type Line = readonly [after: number, author: string, to: readonly string[], text: string];

/** Ada asked the bot by mention, and it answered her. */
const ANSWERED: readonly Line[] = [
  [0, "cleo", [], "the release is out, lovely"],
  [40, "bob", ["cleo"], "cleo: saw it, nice work on the changelog"],
  [30, "ada", ["bot"], "how do I resize an image on the command line?"],
  [4, "bot", ["ada"], "Use ImageMagick: `convert in.png -resize 50% out.png` resizes an image."],
];
/** Then it asked her a question with two choices. */
const ASKED: readonly Line[] = [
  ...ANSWERED,
  [20, "ada", ["bot"], "can you explain what resize does?"],
  [4, "bot", ["ada"], "Sure. Do you want the short explanation or the long one?"],
];
const THANKED: readonly Line[] = [...ANSWERED, [20, "ada", [], "thanks, that worked"]];

/** Judges the last line of a conversation. */
function judge(lines: readonly Line[]): IntentJudgement {
  const tracker = createIntentTracker({ me: idOf("bot") });
  let at = 1_700_000_000_000;
  let judgement: IntentJudgement | undefined;
  for (const [after, author, to, text] of lines) {
    const beginsWithName = PEOPLE[text.split(":")[0] ?? ""] !== undefined;
    at += after * 1_000;
    const message = { author: idOf(author), text, at, to: to.map(idOf), beginsWithName };
    judgement = judgeIntent(tracker.features(message));
    tracker.push(message);
  }
  assert.ok(judgement);
  return judgement;
}

function idOf(name: string): UserId {
  const id = PEOPLE[name];
  if (id === undefined) throw new RangeError(`No one is called ${name}`);
  return id;
}

/** The judgement, with two decimals. */
function rounded({ directed, needsReply }: IntentJudgement): readonly number[] {
  return [directed, needsReply].map((score) => Math.round(score * 100) / 100);
}

describe("the heads of the intent filter", () => {
  for (
    const [title, lines, expected] of [
      [
        "a follow-up question is for the bot, and needs a reply",
        [...ANSWERED, [15, "ada", [], "and what does 50% mean, half an image?"]],
        [0.98, 0.97],
      ],
      [
        "one word after the bot's question with two choices is for the bot",
        [...ASKED, [8, "ada", [], "short"]],
        [0.99, 0.76],
      ],
      ["thanks are for the bot, and need no reply", THANKED, [0.96, 0.03]],
      [
        "a message of the same person that names someone else is not for the bot",
        [...ANSWERED, [15, "ada", ["bob"], "bob: look at the changelog"]],
        [0.1, 0.6],
      ],
      [
        "a message of another person that names someone else is not for the bot",
        [...ANSWERED, [15, "bob", ["cleo"], "cleo: did you see the new build?"]],
        [0.03, 0.71],
      ],
      [
        "a further request 140 s after thanks is for the bot",
        [...THANKED, [140, "ada", [], "can you also show me cropping?"]],
        [0.77, 0.96],
      ],
    ] as const
  ) {
    it(`[I1] ${title}`, () => assert.deepEqual(rounded(judge(lines)), expected));
  }

  it("[I1] explain a score with its five strongest features", () => {
    const { top } = judge([...ANSWERED, [15, "ada", ["bob"], "bob: look at the changelog"]]);
    assert.equal(top.length, 5);
    assert.ok(top.some(({ name, part }) => name === "it names someone else" && part < 0));
    const parts = top.map(({ part }) => Math.abs(part));
    assert.deepEqual(parts, parts.toSorted((a, b) => b - a));
  });
});

describe("the tracker of the intent filter", () => {
  it("[I1] keeps 200 people of a channel, and forgets the one of whom it heard nothing for longest", () => {
    const tracker = createIntentTracker({ me: "1" as UserId });
    const line = (author: string) =>
      ({ author: author as UserId, text: "hi", at: 0, to: [], beginsWithName: false }) as const;
    const isNew = (author: string) => tracker.features(line(author)).newPerson;
    for (let at = 0; at < 200; at++) tracker.push(line(`8${at}`));
    tracker.push(line("80"));
    tracker.push(line("7"));
    assert.deepEqual(["80", "81", "82", "7"].map(isNew), [0, 1, 0, 0]);
  });
});

const [ADA, BOB, K] = [userId("2"), userId("3"), userId("4")];
const ADDRESSEES_PEOPLE = new Map([["ada", ADA], ["bob_", BOB], ["k", K], ["みさき", BOB], [
  "will",
  BOB,
], [
  "les",
  BOB,
]]);

describe("addresseesIn()", () => {
  for (
    const [text, to, beginsWithName] of [
      ["Bob_: look", [BOB], true],
      ["@bob_, look", [BOB], true],
      ["k: short names count at the start", [K], true],
      ["bob_ shut up, you play warlock", [BOB], true],
      ["みさき それはやばい", [BOB], true],
      ["ask bob_!", [BOB], false],
      ["k is short for knight", [], false],
      ["not k though", [], false],
      ["bobby: no", [STRANGER], true],
      ["ada: a note to myself", [], false],
      ["will it rain, and les moules?", [], false],
      ["Will: look", [BOB], true],
      ["linus, can you send me the file?", [STRANGER], true],
      ["@Łukasz: masz chwilę?", [STRANGER], true],
      ["Sophie : tu viens, bob_?", [STRANGER, BOB], true],
      ["sorry, can you repeat that?", [], false],
      ["wait, and tomorrow?", [], false],
      ["Übrigens: danke", [], false],
      ["https://example.org: down", [], false],
      [":smile: haha", [], false],
      ["10:30, as always", [], false],
      ["linus,", [], false],
      ["", [], false],
    ] as const
  ) {
    it(`[I1] reads "${text}"`, () => {
      assert.deepEqual(addresseesIn(text, ADDRESSEES_PEOPLE, ADA), { to, beginsWithName });
    });
  }

  it("[I1] reads a long text of marks in a moment", () => {
    const { to } = addresseesIn("!".repeat(1_000_000), ADDRESSEES_PEOPLE, ADA);
    assert.deepEqual(to, []);
  });
});
