import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  ALLOW_ALWAYS,
  ALLOW_ONCE,
  DENY,
  FILL_IN,
  MENU,
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

const ADA = userId("1400000000000000901");
const PLACE = { channelId: channelId("1400000000000000801"), nonce: "card", isCard: true };
const NONE = { buttons: [], menus: [] };

function stored(question: Partial<StoredQuestion["question"]> = {}, more = {}): StoredQuestion {
  return {
    id: 1,
    accountId: ACCOUNT,
    code: "ABCDEFGH",
    messageId: messageId("1400000000000000101"),
    channelId: channelId("1400000000000000801"),
    question: {
      kind: "ask",
      tool: "ask",
      text: "Which tide?",
      facts: [],
      choices: [{ key: "0", label: "high" }, { key: "1", label: "low" }],
      asked: [ADA],
      where: "channel",
      timeoutMs: 60_000,
      ...question,
    },
    state: "open",
    createdAt: 0,
    expiresAt: 60_000,
    ...more,
  };
}

const options = (count: number, label = "Option") =>
  Array.from(
    { length: count },
    (_, index) => ({ key: `${index}`, label: `${label} ${index + 1}` }),
  );

describe("[T10] controlsOf()", () => {
  it("shows up to five options as buttons, and more in menus of 25", () => {
    const sizes = [2, 5, 6, 25, 26, 100].map((count) => {
      const { buttons, menus } = controlsOf(stored({ choices: options(count) }));
      return [buttons.length, menus.map(({ options }) => options.length)];
    });
    assert.deepEqual(sizes, [
      [2, []],
      [5, []],
      [0, [6]],
      [0, [25]],
      [0, [25, 1]],
      [0, [25, 25, 25, 25]],
    ]);
  });

  it("shows a menu for labels that no button can show, and for several answers", () => {
    const long = controlsOf(stored({ choices: options(2, "x".repeat(90)) }));
    assert.deepEqual(long.buttons, []);
    const several = controlsOf(stored({ upTo: 2 }));
    assert.deepEqual(several.menus.map(({ choice, max }) => [choice, max]), [[MENU, 2]]);
  });

  it("shows one button for a form", () => {
    const form = { title: "Trip", label: "Port" };
    const { buttons, menus } = controlsOf(stored({ choices: [{ key: FILL_IN }], form }));
    assert.deepEqual([buttons.map(({ choice }) => choice), menus], [[FILL_IN], []]);
  });

  it("[SEC-R20] offers only a refusal of a command that is too long to show", () => {
    const question = { exact: "x".repeat(5_000), choices: [{ key: "once" }, { key: DENY }] };
    const { buttons } = controlsOf(stored(question));
    assert.deepEqual(buttons.map(({ choice }) => choice), [DENY]);
  });
});

describe("[T10] a card", () => {
  it("has the same text in both forms, open and decided", () => {
    const exact = '["rm","-r","data"]';
    const facts = [{ name: "Who asks", value: "Ada" }];
    const decided = stored({ exact, facts }, { state: "expired" });
    for (
      const { message } of [
        composeCard(stored({ exact, facts }), PLACE, NONE),
        composeSettled(decided, { ...PLACE, draftNonce: "draft" }),
      ]
    ) {
      assert.equal(message.card?.blocks.join("\n"), message.content);
      assert.ok(message.content.includes(exact));
      assert.ok(message.content.length <= 2_000);
      assert.ok(message.card?.blocks.every((block) => block !== ""));
    }
    const { text, card } = settledContent(decided);
    assert.equal(card.blocks.join("\n"), text);
  });

  it("stays within Discord's limit, and keeps the exact command whole", () => {
    const exact = "\u202e".repeat(240); // six characters each, as they are shown
    const facts = Array.from({ length: 20 }, () => ({ name: "Fact", value: "y".repeat(200) }));
    const question = stored({ exact, facts, text: "z".repeat(1_000) });
    const { content } = composeCard(question, PLACE, NONE).message;
    assert.ok(content.length <= 2_000, `${content.length}`);
    assert.ok(content.includes("\\u202e".repeat(240)));
  });

  it("[T13a] has the mark of a personal question first, after any cut", () => {
    const long = { exact: "x".repeat(1_500), text: "z".repeat(1_000), isPersonal: true } as const;
    for (const question of [stored({ isPersonal: true }), stored(long)]) {
      const decided = { ...question, state: "expired" as const };
      const shown = [
        composeCard(question, PLACE, NONE).message.content,
        composeSettled(decided, { ...PLACE, draftNonce: "draft" }).message.content,
        settledContent(decided).text,
      ];
      for (const text of shown) assert.ok(text.startsWith("-# 🔒\n") && text.length <= 2_000, text);
    }
  });

  it("is plain text if the config says so", () => {
    const { message } = composeCard(stored(), { ...PLACE, isCard: false }, NONE);
    assert.equal(message.card, undefined);
    assert.match(message.content, /Which tide\?/);
  });

  it("names all chosen options, and no answer of a form", () => {
    const answered = (answer: object) =>
      settledContent(stored({ upTo: 2 }, { state: "answered", answer, decidedBy: ADA }))
        .text;
    assert.match(answered({ choice: "1", several: ["1", "0"] }), /low, high/);
    const filled = answered({ choice: FILL_IN, text: "a secret of Ada's" });
    assert.match(filled, /filled in the form/);
    assert.doesNotMatch(filled, /secret/);
  });
});

const OWNER = userId("901");
const HOME = channelId("500");
const CARD_QUESTION_PLACE = { channelId: HOME, nonce: "card", isCard: true };
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

function cardQuestionStored(
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

const card = (of: StoredQuestion) =>
  composeCard(of, CARD_QUESTION_PLACE, { buttons: [], menus: [] }).message;

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
      card(cardQuestionStored()).content,
      "May I run this command?\n```\nls -l\n```\n**Where:** #general\n" +
        "Expires <t:1800000000:R> · ID: `K7QP2MZX`",
    );
  });

  it("shows a command whole or not at all, within Discord's limit", () => {
    const text = fc.string({ unit: anyCharacter, maxLength: 3_000, size: "max" });
    fc.assert(
      fc.property(text, text, text, (exact, value, heading) => {
        const facts = [{ name: "Note", value }];
        const of = cardQuestionStored({ exact, facts, text: heading });
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
    const long = cardQuestionStored({ exact: "x".repeat(1_501) });
    assert.deepEqual(controlsOf(long).buttons.map(({ choice }) => choice), [DENY]);
    assert.match(card(long).content, /`barnacle approvals show K7QP2MZX`/);
    const shown = controlsOf(cardQuestionStored()).buttons;
    assert.deepEqual(shown.map(({ choice }) => choice), [ALLOW_ONCE, ALLOW_ALWAYS, DENY]);
    assert.deepEqual(shown.map(({ style }) => style), ["success", "secondary", "secondary"]);
  });

  it("pings the asked people in a channel, answers there, and pings no one elsewhere", () => {
    const direct = card(cardQuestionStored());
    assert.deepEqual(direct.pings?.users, []);
    assert.equal(direct.quote, undefined);
    const inChannel = card(cardQuestionStored({ where: "channel" }));
    assert.deepEqual(inChannel.pings?.users, [OWNER]);
    assert.equal(inChannel.quote, "700");
    assert.match(inChannel.content, /^<@901>/);
    assert.deepEqual(
      card(cardQuestionStored({ where: "channel", asked: "anyone" })).pings?.users,
      [],
    );
  });
});

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
  it(`[A1] composeSettled() › takes the buttons away, and tells the end: ${end.source}`, () => {
    const of = cardQuestionStored({}, fields);
    const { message, draft } = composeSettled(of, { ...CARD_QUESTION_PLACE, draftNonce: "open" });
    assert.deepEqual(message.buttons, []);
    assert.match(message.content, end);
    assert.ok(message.content.includes("```\nls -l\n```"), "the command stays");
    assert.equal(message.content, settledContent(of).text);
    assert.deepEqual(draft, { nonce: "open", becomes: "this" });
  });
}
