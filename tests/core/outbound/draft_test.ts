import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AnswerKey,
  type DraftMessage,
  type DraftRow,
  type Frozen,
  nextDraftStep,
  nonceOf,
  placeDrafts,
  type ShownDraft,
  toDrafts,
} from "../../../src/core/outbound/outbound.ts";
import { messageId, outboundMessage } from "../../support/discord/builders.ts";

const ANSWER: AnswerKey = {
  cause: messageId("1400000000000000001"),
  revision: 0,
  agentId: "main",
  kind: "reply",
};
const QUOTE = { quote: messageId("1400000000000000001") };

function said(texts: readonly string[], fields: Partial<DraftMessage> = {}): readonly Frozen[] {
  return texts.map((content, part) => ({
    message: outboundMessage({
      nonce: nonceOf(ANSWER, part),
      content,
      of: { ...ANSWER, part, parts: texts.length },
      ...fields,
    }),
    files: [],
  }));
}

const draftNonce = (part: number) => nonceOf({ ...ANSWER, kind: "draft" }, part);

function draft(
  part: number,
  state: DraftRow["state"] = "there",
  fields: Partial<DraftMessage> = {},
): DraftRow {
  return {
    message: {
      ...outboundMessage({ nonce: draftNonce(part), content: `draft ${part} …` }),
      of: { ...ANSWER, kind: "draft", part, parts: 1 },
      ...fields,
    },
    state,
    ...(state === "there" && { messageId: messageId(`15000000000000000${part}0`) }),
  };
}

/** The requests to Discord, in order: `"edit 0: hi"`, `"remove 1"`, `"post: there"`. */
function asked(drafts: readonly DraftRow[], outbox: readonly Frozen[]): readonly string[] {
  const partOf = new Map(drafts.map(({ message }) => [message.nonce, message.of.part]));
  return placeDrafts(drafts, outbox).outbox.map(({ message, draft }) => {
    if (!draft) return `post: ${message.content}`;
    const part = partOf.get(draft.nonce);
    return draft.becomes === "this" ? `edit ${part}: ${message.content}` : `remove ${part}`;
  });
}

describe("[R8] placeDrafts()", () => {
  const failure = said(["It failed."], { of: { ...ANSWER, kind: "failure", part: 0, parts: 1 } });
  const cases: readonly [string, readonly DraftRow[], readonly Frozen[], readonly string[]][] = [
    ["leaves a turn without drafts as it is", [], said(["a", "b"]), ["post: a", "post: b"]],
    ["puts the reply in the draft's place", [draft(0)], said(["a"]), ["edit 0: a"]],
    ["posts messages beyond the drafts", [draft(0)], said(["a", "b"]), ["edit 0: a", "post: b"]],
    [
      "deletes drafts beyond the reply",
      [draft(0), draft(1), draft(2)],
      said(["a"]),
      ["edit 0: a", "remove 1", "remove 2"],
    ],
    ["knows drafts in any order", [draft(1), draft(0)], said(["a", "b"]), [
      "edit 0: a",
      "edit 1: b",
    ]],
    ["deletes all drafts of an empty turn", [draft(0), draft(1)], [], ["remove 0", "remove 1"]],
    ["makes no failure notice of a draft", [draft(0)], failure, ["remove 0", "post: It failed."]],
    [
      "never turns a draft into a message that answers nothing",
      [draft(0)],
      [{ message: outboundMessage({ content: "news" }), files: [] }],
      ["remove 0", "post: news"],
    ],
    [
      "deletes a draft without a quote if the reply has one",
      [draft(0)],
      said(["a"], QUOTE),
      ["remove 0", "post: a"],
    ],
    [
      "deletes a draft with a quote if the reply has none",
      [draft(0, "there", QUOTE)],
      said(["a"]),
      ["remove 0", "post: a"],
    ],
    ["keeps a quote that is the same", [draft(0, "there", QUOTE)], said(["a"], QUOTE), [
      "edit 0: a",
    ]],
    [
      "keeps no draft after one that cannot stay, because the new message stands below it",
      [draft(0), draft(1, "there", QUOTE), draft(2)],
      said(["a", "b", "c"]),
      ["edit 0: a", "remove 1", "remove 2", "post: b", "post: c"],
    ],
    [
      "keeps no draft after one that was never posted",
      [draft(1)],
      said(["a", "b"]),
      ["remove 1", "post: a", "post: b"],
    ],
    [
      "counts on an open draft, because its channel queue knows by then",
      [draft(0), draft(1, "open")],
      said(["a", "b"]),
      ["edit 0: a", "edit 1: b"],
    ],
    [
      "posts in place of an untried draft",
      [draft(0), draft(1, "untried")],
      said(["a", "b"]),
      ["edit 0: a", "post: b"],
    ],
  ];
  for (const [what, drafts, outbox, expected] of cases) {
    it(what, () => assert.deepEqual(asked(drafts, outbox), expected));
  }

  it("withdraws untried drafts only", () => {
    const drafts = [draft(0), draft(1, "open"), draft(2, "untried")];
    assert.deepEqual(placeDrafts(drafts, said(["a"])).withdraw, [draftNonce(2)]);
    assert.deepEqual(placeDrafts(drafts, []).withdraw, [draftNonce(2)]);
  });

  it("keeps the reply's text, nonce and files", () => {
    const file = { name: "a.md", bytes: new Uint8Array([1]) };
    const [frozen] = said(["a"]);
    assert.ok(frozen);
    const [placed] = placeDrafts([draft(0)], [{ ...frozen, files: [file] }]).outbox;
    const { draft: place, ...rest } = placed!;
    assert.deepEqual(rest, { ...frozen, files: [file] });
    assert.deepEqual(place, { nonce: draftNonce(0), becomes: "this" });
  });

  it("[D2] gives a removal its own nonce, always the same", () => {
    const drafts = [draft(0), draft(1)];
    const nonces = placeDrafts(drafts, []).outbox.map(({ message }) => message.nonce);
    const others = [0, 1, 2].flatMap((part) => [draftNonce(part), nonceOf(ANSWER, part)]);
    assert.equal(new Set([...nonces, ...others]).size, nonces.length + others.length);
    assert.deepEqual(placeDrafts(drafts, []).outbox.map(({ message }) => message.nonce), nonces);
  });

  it("writes, quotes and pings nothing in a removal", () => {
    const [removal] = placeDrafts([draft(0, "there", QUOTE)], []).outbox;
    const { content, quote, pings } = removal!.message;
    assert.deepEqual({ content, quote, pings }, {
      content: "",
      quote: undefined,
      pings: { users: [], roles: [], quotedAuthor: false },
    });
  });
});

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
  const cases: readonly [string, readonly ShownDraft[], readonly DraftMessage[], string][] = [
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
    ["and emptied once", [shown("one", ID[0]), shown("…", ID[1])], wanted("one"), "none"],
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
