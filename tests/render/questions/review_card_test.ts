import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Frozen } from "../../../src/core/outbound/outbound.ts";
import type { StoredQuestion } from "../../../src/core/people/question.ts";
import { composeCard, composeSettled } from "../../../src/render/questions/card.ts";
import { type AnswerForReview, reviewQuestion } from "../../../src/render/questions/review_card.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildMessage,
  messageId,
  userId,
} from "../../support/discord/builders.ts";
import { frozen } from "../../support/store/store.ts";

const ADA = userId("1400000000000000901");
const BEN = userId("1400000000000000902");
const REVIEWS = channelId("1400000000000000801");
const RULES = {
  mode: "always",
  people: [BEN, ADA],
  channelId: REVIEWS,
  newPeople: true,
  links: true,
  words: [],
  timeoutMs: 60_000,
} as const;
const asking = guildMessage({ id: messageId("1400000000000000101"), text: "When?" });

function answer(text: string, fields: Partial<AnswerForReview> = {}): AnswerForReview {
  return {
    message: asking,
    agentId: "main",
    words: asking.text,
    text,
    outbox: [frozen({ content: text })],
    why: "every answer here is checked",
    isAwaited: true,
    ...fields,
  };
}

const question = (text: string, fields?: Partial<AnswerForReview>) =>
  reviewQuestion(answer(text, fields), RULES, [ADA], {});

function card(text: string, fields?: Partial<AnswerForReview>, more = {}): StoredQuestion {
  return {
    id: 1,
    accountId: ACCOUNT,
    code: "ABCDEFGH",
    messageId: asking.id,
    channelId: asking.channelId,
    guildId: asking.guildId,
    question: question(text, fields),
    state: "open",
    createdAt: 0,
    expiresAt: 60_000,
    ...more,
  };
}

const PLACE = { channelId: REVIEWS, nonce: "card", isCard: true };
const shown = (stored: StoredQuestion) =>
  composeCard(stored, PLACE, { buttons: [], menus: [] }, {});

describe("[A5] reviewQuestion()", () => {
  it("asks owners and the listed people, each once, in the channel of the config", () => {
    const { asked, cardIn, where } = question("At noon.");
    assert.deepEqual([asked, cardIn, where], [[ADA, BEN], REVIEWS, "direct"]);
  });

  it("asks by direct message about a direct message", () => {
    assert.equal(question("At noon.", { message: directMessage() }).cardIn, undefined);
  });

  for (
    const [name, text, mayEdit] of [
      ["a short answer", "At noon.", true],
      ["4,000 characters", "a".repeat(4_000), true],
      ["4,001 characters", "a".repeat(4_001), false],
      ["only files", " ", false],
    ] as const
  ) {
    it(`offers ${mayEdit ? "a" : "no"} form for ${name}`, () => {
      const { form, choices } = question(text);
      assert.equal(form !== undefined, mayEdit);
      assert.equal(form?.fields[0]?.value, mayEdit ? text : undefined);
      assert.deepEqual(
        choices.map(({ key }) => key),
        mayEdit ? ["once", "form", "deny", "self"] : ["once", "deny", "self"],
      );
    });
  }

  it("names files with their sizes, and counts messages", () => {
    const file = { name: "tides.csv", bytes: new Uint8Array(2_000) };
    const outbox: Frozen[] = [
      frozen({ content: "one" }),
      { ...frozen({ content: "two" }), files: [file] },
    ];
    const { facts, exact } = question("one two", { outbox });
    assert.equal(exact, "one\ntwo");
    assert.match(facts.find(({ name }) => name === "Files")?.value ?? "", /^tides\.csv \(2/);
    assert.equal(facts.find(({ name }) => name === "Messages")?.value, "2");
  });
});

describe("[A5] the card of a draft", () => {
  it("fits any question and any draft, and shows what decides", () => {
    const words = "`".repeat(2_000) + "\u202e".repeat(2_000);
    const why = `the model is unsure: ${"w".repeat(500)}`;
    for (const text of ["At noon.", "a".repeat(800), "```\n" + "b\n".repeat(3_000) + "```"]) {
      const { message, files } = shown(card(text, { words, why }));
      assert.ok(message.content.length <= 2_000, `${message.content.length}`);
      assert.doesNotMatch(message.content, /\u202e/);
      for (const part of ["Who asks", asking.sender.id, asking.id, "ABCDEFGH"]) {
        assert.ok(message.content.includes(part), part);
      }
      const [file] = files;
      assert.equal(files.length, text.length > 800 ? 1 : 0);
      if (file) assert.equal(new TextDecoder().decode(file.bytes), text);
      assert.equal(message.card !== undefined, files.length === 0, "a box shows no files");
      assert.equal((message.content.match(/^```/gm)?.length ?? 0) % 2, 0, "no block stays open");
      assert.deepEqual(message.pings, { users: [], roles: [], quotedAuthor: false });
    }
  });

  it("shows the text of a person who has edited it", () => {
    const answered = {
      state: "answered",
      decidedBy: ADA,
      answer: { choice: "form", fields: [{ kind: "text", text: "By hand." }] },
    } as const;
    const { message: { content } } = composeSettled(
      card("At noon.", {}, answered),
      { ...PLACE, draftNonce: "card" },
      {},
    );
    assert.match(content, /By hand\./);
    assert.doesNotMatch(content, /At noon/);
    assert.match(content, new RegExp(`<@${ADA}> edited it`));
  });
});
