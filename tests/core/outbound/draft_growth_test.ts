import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type DraftMessage,
  nextDraftStep,
  type ShownDraft,
  toDrafts,
} from "../../../src/core/outbound/draft.ts";
import { type AnswerKey, nonceOf } from "../../../src/core/outbound/outbound.ts";
import type { Frozen } from "../../../src/core/outbound/outbound.ts";
import { messageId, outboundMessage } from "../../support/discord/builders.ts";

const ANSWER: AnswerKey = {
  cause: messageId("1400000000000000001"),
  revision: 0,
  agentId: "main",
  kind: "reply",
};
const ID = [messageId("1500000000000000001"), messageId("1500000000000000002")] as const;

function composed(texts: readonly string[]): readonly Frozen[] {
  return texts.map((content, part) => ({
    message: outboundMessage({
      nonce: nonceOf(ANSWER, part),
      content,
      of: { ...ANSWER, part, parts: texts.length },
    }),
    files: [],
  }));
}

const contents = (texts: readonly string[], maxLength = 2_000) =>
  toDrafts(composed(texts), maxLength).map(({ content }) => content);

describe("[R8] toDrafts()", () => {
  it("marks the end of the last draft only", () => {
    assert.deepEqual(contents(["one", "two"]), ["one", "two …"]);
  });

  it("puts the mark on a line of its own behind code, which it would leave open", () => {
    assert.deepEqual(contents(["```ts\nlet a\n```"]), ["```ts\nlet a\n```\n…"]);
  });

  it("has no mark if there is no room", () => {
    assert.deepEqual(contents(["1234567890"], 12), ["1234567890 …"]);
    assert.deepEqual(contents(["1234567890"], 11), ["1234567890"]);
  });

  it("shows no draft of an empty text", () => assert.deepEqual(contents([]), []));

  it("[D2] has a nonce for each place, different from the reply's", () => {
    const drafts = toDrafts(composed(["one", "two"]), 2_000);
    const expected = [0, 1].map((part) => nonceOf({ ...ANSWER, kind: "draft" }, part));
    assert.deepEqual(drafts.map(({ nonce }) => nonce), expected);
    assert.deepEqual(drafts.map(({ of }) => of.kind), ["draft", "draft"]);
    const longer = toDrafts(composed(["one", "two", "three"]), 2_000);
    assert.deepEqual(longer.slice(0, 2).map(({ nonce }) => nonce), expected);
  });

  it("quotes and pings as the reply would", () => {
    const [frozen] = composed(["hi <@1400000000000000007>"]);
    const pings = { users: [], roles: [], quotedAuthor: true };
    const message = { ...frozen!.message, quote: ANSWER.cause, pings };
    const [draft] = toDrafts([{ message, files: [] }], 2_000);
    assert.equal(draft?.quote, ANSWER.cause);
    assert.deepEqual(draft?.pings, pings);
  });
});

describe("[R8] nextDraftStep()", () => {
  const wanted = (...texts: string[]): readonly DraftMessage[] =>
    composed(texts).map(({ message }) => ({ ...message, of: { ...ANSWER, part: 0, parts: 1 } }));
  const shown = (content?: string, id?: typeof ID[number]): ShownDraft => ({
    message: wanted(content ?? "?")[0]!,
    ...(content !== undefined && { content }),
    ...(id && { messageId: id }),
  });
  const cases: readonly [
    what: string,
    shown: readonly ShownDraft[],
    wanted: readonly DraftMessage[],
    step: string,
  ][] = [
    ["nothing to say", [], [], "none"],
    ["a first draft", [], wanted("one"), "post one"],
    ["a draft that Discord does not have yet", [shown("one")], wanted("one two"), "none"],
    ["no draft in front of one", [shown("one")], wanted("one", "two"), "none"],
    ["the next one behind it", [shown("one", ID[0])], wanted("one", "two"), "post two"],
    ["nothing new", [shown("one", ID[0])], wanted("one"), "none"],
    ["more to say", [shown("one", ID[0])], wanted("one two"), "edit 0 one two"],
    ["its content is unknown", [shown(undefined, ID[0])], wanted("one"), "edit 0 one"],
    [
      "an earlier one first",
      [shown("one", ID[0]), shown("two", ID[1])],
      wanted("ONE", "TWO", "three"),
      "edit 0 ONE",
    ],
    [
      "an earlier one, even if Discord does not have the last yet",
      [shown("one", ID[0]), shown("two")],
      wanted("ONE", "TWO"),
      "edit 0 ONE",
    ],
    [
      "an unneeded draft is emptied, not deleted",
      [shown("one", ID[0]), shown("two", ID[1])],
      wanted("one"),
      "edit 1 …",
    ],
    [
      "and emptied once",
      [shown("one", ID[0]), shown("…", ID[1])],
      wanted("one"),
      "none",
    ],
  ];
  for (const [what, drafts, messages, expected] of cases) {
    it(what, () => {
      const step = nextDraftStep(drafts, messages);
      const words = step.kind === "edit"
        ? `edit ${step.part} ${step.message.content}`
        : step.kind === "post"
        ? `post ${step.message.content}`
        : "none";
      assert.equal(words, expected);
      if (step.kind === "edit") assert.equal(step.messageId, ID[step.part]);
    });
  }
});
