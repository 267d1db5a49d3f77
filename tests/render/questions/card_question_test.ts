/** Tests the cards by which people decide about calls: no command may look like another one. */

import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ALLOW_ALWAYS,
  ALLOW_ONCE,
  DENY,
  type Question,
  type StoredQuestion,
} from "../../../src/core/people/question.ts";
import {
  composeCard,
  composeSettled,
  controlsOf,
  isShown,
  settledContent,
  withVisibleCharacters,
} from "../../../src/render/questions/card.ts";
import { anyCharacter } from "../../support/any_character.ts";
import { ACCOUNT, channelId, guildId, messageId, userId } from "../../support/discord/builders.ts";

const OWNER = userId("901");
const HOME = channelId("500");
const PLACE = { channelId: HOME, nonce: "card", isCard: true };
const QUESTION: Question = {
  kind: "approval",
  tool: "exec",
  text: "May I run this command?",
  facts: [{ name: "Where", value: "#general" }],
  exact: "ls -l",
  choices: [{ key: ALLOW_ONCE, style: "success" }, { key: ALLOW_ALWAYS }, { key: DENY }],
  asked: [OWNER],
  where: "direct",
  timeoutMs: 60_000,
};

function stored(
  question: Partial<Question> = {},
  fields: Partial<StoredQuestion> = {},
): StoredQuestion {
  return {
    id: 1,
    accountId: ACCOUNT,
    code: "K7QP2MZX",
    messageId: messageId("700"),
    channelId: HOME,
    guildId: guildId("100"),
    question: { ...QUESTION, ...question },
    state: "open",
    createdAt: 0,
    expiresAt: 1_800_000_000_000,
    ...fields,
  };
}

const card = (of: StoredQuestion) => composeCard(of, PLACE, { buttons: [], menus: [] }).message;

describe("[SEC-R20] withVisibleCharacters()", () => {
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ["rm a\u202etxt", "rm a\\u202etxt"],
    ["rm a\u200bb", "rm a\\u200bb"],
    ["a\u00a0b", "a\\u00a0b"],
    ["a\u001b[2Kb", "a\\u001b[2Kb"],
    ["e\u0301", "e\\u0301"],
    ["\u{e0041}", "\\u{e0041}"],
    ["a\tb\nc ä", "a\tb\nc ä"],
    ["a```b", "a\\u0060\\u0060\\u0060b"],
  ];
  for (const [text, shown] of cases) {
    it(`returns ${JSON.stringify(shown)}`, () => assert.equal(withVisibleCharacters(text), shown));
  }

  it("leaves no character that people cannot see, and no end of a block", () => {
    fc.assert(fc.property(fc.string({ unit: anyCharacter }), (text) => {
      const shown = withVisibleCharacters(`\`${text}\``);
      assert.doesNotMatch(shown, /[^\P{C}\n\t]|[^\P{Z} ]|\p{Default_Ignorable_Code_Point}|\p{M}/u);
      assert.ok(!shown.includes("```"));
    }));
  });
});

describe("[SEC-R20] composeCard()", () => {
  it("shows question, command, facts, end and code", () => {
    assert.equal(
      card(stored()).content,
      "May I run this command?\n```\nls -l\n```\n**Where:** #general\n" +
        "Expires <t:1800000000:R> · ID: `K7QP2MZX`",
    );
  });

  it("shows a command whole or not at all, within Discord's limit", () => {
    const text = fc.string({ unit: anyCharacter, maxLength: 3_000, size: "max" });
    fc.assert(
      fc.property(text, text, text, (exact, value, heading) => {
        const facts = [{ name: "Note", value }];
        const of = stored({ exact, facts, text: heading });
        const { content } = card(of);
        assert.ok(content.length <= 2_000, `${content.length}`);
        assert.equal(
          content.includes(`\`\`\`\n${withVisibleCharacters(exact)}\n\`\`\``),
          isShown(of.question),
        );
        assert.ok(content.endsWith("ID: `K7QP2MZX`"));
      }),
      { numRuns: 50 },
    );
  });

  it("lets a person only deny a command that it cannot show", () => {
    const long = stored({ exact: "x".repeat(1_501) });
    assert.deepEqual(controlsOf(long).buttons.map(({ choice }) => choice), [DENY]);
    assert.match(card(long).content, /`barnacle approvals show K7QP2MZX`/);
    const shown = controlsOf(stored()).buttons;
    assert.deepEqual(shown.map(({ choice }) => choice), [ALLOW_ONCE, ALLOW_ALWAYS, DENY]);
    assert.deepEqual(shown.map(({ style }) => style), ["success", "secondary", "secondary"]);
  });

  it("pings the asked people in a channel, answers there, and pings no one elsewhere", () => {
    const direct = card(stored());
    assert.deepEqual(direct.pings?.users, []);
    assert.equal(direct.quote, undefined);
    const inChannel = card(stored({ where: "channel" }));
    assert.deepEqual(inChannel.pings?.users, [OWNER]);
    assert.equal(inChannel.quote, "700");
    assert.match(inChannel.content, /^<@901>/);
    assert.deepEqual(card(stored({ where: "channel", asked: "anyone" })).pings?.users, []);
  });
});

describe("[A1] composeSettled()", () => {
  const ends: readonly (readonly [Partial<StoredQuestion>, end: RegExp])[] = [
    [
      { state: "answered", answer: { choice: ALLOW_ONCE }, decidedBy: OWNER },
      /\*\*<@901> chose: Allow once\*\*$/,
    ],
    [{ state: "answered", answer: { choice: DENY } }, /\*\*The operator chose: .+\*\*$/],
    [{ state: "expired" }, /\*\*No one answered in time\.\*\*$/],
    [{ state: "withdrawn" }, /\*\*.+\*\*$/],
  ];
  for (const [fields, end] of ends) {
    it(`takes the buttons away, and tells the end: ${end.source}`, () => {
      const of = stored({}, fields);
      const { message, draft } = composeSettled(of, { ...PLACE, draftNonce: "open" });
      assert.deepEqual(message.buttons, []);
      assert.match(message.content, end);
      assert.ok(message.content.includes("```\nls -l\n```"), "the command stays");
      assert.equal(message.content, settledContent(of).text);
      assert.deepEqual(draft, { nonce: "open", becomes: "this" });
    });
  }
});
