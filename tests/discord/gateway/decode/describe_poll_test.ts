import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeExtras } from "../../../../src/discord/gateway/decode/describe.ts";
import { messagePayload } from "../../../../src/discord/gateway/decode/payloads.ts";
import { messageData } from "../../../support/discord/payloads.ts";

type Fields = Readonly<Record<string, unknown>>;

const described = (fields: Fields) =>
  describeExtras(messagePayload.parse(messageData(fields))).map(({ kind, text }) =>
    `${kind}: ${text}`
  );

const poll = (fields: Fields = {}): Fields => ({
  poll: {
    question: { text: "Tea?" },
    answers: [
      { answer_id: 1, poll_media: { text: "yes", emoji: { id: null, name: "👍" } } },
      { answer_id: 2, poll_media: { text: "no" } },
    ],
    expiry: null,
    allow_multiselect: false,
    layout_type: 1,
    ...fields,
  },
});
const results = (isEnded: boolean, ...answer_counts: readonly Fields[]) => ({
  results: { is_finalized: isEnded, answer_counts },
});

/** Discord's announcement of a result. */
const ended = (fields: Readonly<Record<string, string>>): Fields => ({
  type: 46,
  embeds: [{
    type: "poll_result",
    fields: Object.entries(fields).map(([name, value]) => ({ name, value, inline: false })),
  }],
});
const WON = {
  poll_question_text: "Tea?",
  victor_answer_votes: "3",
  total_votes: "4",
  victor_answer_id: "1",
  victor_answer_text: "yes",
};

describe("[H9] a poll", () => {
  const cases: readonly [name: string, fields: Fields, text: string][] = [
    ["without known votes", poll(), "Tea? (👍 yes / no)"],
    ["without results", poll({ results: null }), "Tea? (👍 yes / no)"],
    ["without votes", poll(results(false)), "Tea? (👍 yes / no)"],
    [
      "with votes so far",
      poll(results(false, { id: 1, count: 3, me_voted: false }, { id: 2, count: 1 })),
      "Tea? (👍 yes: 3 votes / no: 1 vote)",
    ],
    [
      "that has ended, with an answer that no one chose",
      poll(results(true, { id: 2, count: 2 })),
      "Tea? (👍 yes: 0 votes / no: 2 votes; ended)",
    ],
    [
      "that takes several answers",
      poll({ allow_multiselect: true }),
      "Tea? (👍 yes / no; several answers allowed)",
    ],
    ["with results of an unexpected shape", poll({ results: "many" }), "Tea? (👍 yes / no)"],
  ];
  for (const [name, fields, text] of cases) {
    it(`${name}: ${text}`, () => assert.deepEqual(described(fields), [`poll: ${text}`]));
  }
});

describe("[H9] the result of a poll", () => {
  const cases: readonly [name: string, fields: Readonly<Record<string, string>>, text: string][] = [
    ["with a winner", WON, "ended: Tea? yes won with 3 of 4 votes"],
    [
      "with an emoji as the winner",
      { ...WON, victor_answer_text: "", victor_answer_emoji_name: "🍵" },
      "ended: Tea? 🍵 won with 3 of 4 votes",
    ],
    [
      "with a tie",
      { poll_question_text: "Tea?", victor_answer_votes: "2", total_votes: "4" },
      "ended: Tea? no single answer won: several have 2 votes each, of 4",
    ],
    [
      "without votes",
      { poll_question_text: "Tea?", victor_answer_votes: "0", total_votes: "0" },
      "ended: Tea? no one voted",
    ],
    ["without any field", {}, "ended: no one voted"],
  ];
  for (const [name, fields, text] of cases) {
    it(name, () => assert.deepEqual(described(ended(fields)), [`poll: ${text}`]));
  }
});
