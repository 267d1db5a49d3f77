import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { InboundMessage } from "../../../../src/core/inbound/inbound.ts";
import { withExtras } from "../../../../src/core/inbound/inbound.ts";
import {
  contentPayload,
  decodeMessage,
  describeComponents,
  describeExtras,
  fullText,
  messagePayload,
} from "../../../../src/discord/gateway/decode/decode.ts";
import { decodeInteraction } from "../../../../src/discord/gateway/decode/decode_interaction.ts";
import { applyDispatch } from "../../../../src/discord/gateway/read/reader.ts";
import { ACCOUNT } from "../../../support/discord/builders.ts";
import {
  ADA,
  CHANNEL,
  GUILD,
  guildData,
  messageData,
  pressData,
  SELF,
} from "../../../support/discord/payloads.ts";
import { cases } from "../../../support/long_form.ts";

type Fields = Readonly<Record<string, unknown>>;
const extras = (fields: Fields) => describeExtras(messagePayload.parse(messageData(fields)));

describe("[H3] describeExtras()", () => {
  const cases: readonly [string, Fields, string, string][] = [
    [
      "a file with its kind and size",
      { attachments: [{ filename: "cat.png", content_type: "image/png", size: 12_400 }] },
      "attachment",
      "cat.png (image/png, 12.4 kB)",
    ],
    [
      "a picture's description",
      { attachments: [{ filename: "a", size: 3_400_000, description: "a cat" }] },
      "attachment",
      "a (unknown type, 3.4 MB): a cat",
    ],
    ["sticker", { sticker_items: [{ id: "1", name: "Wave", format_type: 1 }] }, "sticker", "Wave"],
    [
      "a poll with its answers",
      {
        poll: {
          question: { text: "Tea?" },
          answers: [{ poll_media: { text: "yes" } }, { poll_media: { emoji: {} } }, {
            poll_media: { text: "no" },
          }],
        },
      },
      "poll",
      "Tea? (yes / no)",
    ],
    [
      "an embed",
      {
        embeds: [{
          title: "T",
          description: "D",
          url: "https://e.example",
          author: { name: "A" },
          fields: [{ name: "n", value: "v" }],
        }],
      },
      "embed",
      "A\nT\nD\nn: v\nhttps://e.example",
    ],
    [
      "an embed's website, alt texts and footer",
      {
        embeds: [{
          provider: { name: "P" },
          title: "T",
          image: { url: "https://cdn.example/i", description: "a cat" },
          thumbnail: { url: "https://cdn.example/t" },
          video: { url: "https://cdn.example/v", description: "a cat that runs" },
          footer: { text: "F" },
        }],
      },
      "embed",
      "P\nT\nimage: a cat\nvideo: a cat that runs\nF",
    ],
    ["a footer alone", { embeds: [{ footer: { text: "build 7" } }] }, "embed", "build 7"],
    [
      "an embed whose footer, website and image have another form",
      { embeds: [{ title: "T", footer: { text: 5 }, provider: 5, image: { description: 5 } }] },
      "embed",
      "T",
    ],
    [
      "a long embed with its footer",
      { embeds: [{ description: "d".repeat(2_000), footer: { text: "F" } }] },
      "embed",
      `${"d".repeat(2_000)}\nF`,
    ],
    [
      "a forwarded message with its extras",
      {
        message_snapshots: [{
          message: { content: "look", attachments: [{ filename: "b.txt", size: 5 }] },
        }],
      },
      "forward",
      "look\n[attachment: b.txt (unknown type, 5 bytes)]",
    ],
  ];
  for (const [name, fields, kind, text] of cases) {
    it(`describes ${name}`, () => assert.deepEqual(extras(fields), [{ kind, text }]));
  }

  it("[H9] leaves out the spoilers of a forward from another channel", () => {
    const message = messagePayload.parse(messageData({
      message_snapshots: [{
        message: {
          content: "the killer is ||the gardener||",
          attachments: [
            { filename: "SPOILER_end.png", size: 5, description: "canary" },
            { filename: "end.png", size: 5, flags: 8, description: "canary" },
            { filename: "map.png", size: 5 },
          ],
          components: [
            { type: 17, spoiler: true, components: [{ type: 10, content: "canary" }] },
            {
              type: 12,
              items: [{ description: "canary", spoiler: true }, { description: "a sea" }],
            },
          ],
          embeds: [{ description: "he ||canary|| it" }],
        },
      }],
    }));
    const [elsewhere] = describeExtras(message, "without-spoilers");
    assert.equal(
      elsewhere?.text,
      "the killer is (spoiler)\n[attachment: (spoiler)]\n[attachment: (spoiler)]\n" +
        "[attachment: map.png (unknown type, 5 bytes)]\n[embed: he (spoiler) it]\n" +
        "[components: (spoiler)\n(spoiler)\n[picture: a sea]]",
    );
    assert.match(describeExtras(message)[0]?.text ?? "", /canary[^]*canary[^]*canary/);
    assert.match(describeExtras(message, "nothing")[0]?.text ?? "", /^\(not shown: .*\)$/);
  });

  it("bounds their number and length", () => {
    const embeds = Array.from({ length: 60 }, () => ({ description: "x".repeat(6_000) }));
    const described = extras({ embeds });
    assert.equal(described.length, 25);
    assert.ok(described.every(({ text }) => text.length <= 6_000));
  });
});

it("[H3] fullText() › returns only the text if there are no extras, and never ends in a blank line", () => {
  assert.equal(fullText(contentPayload.parse({ content: "hi" })), "hi");
  assert.equal(fullText(contentPayload.parse({})), "");
});

const text = (content: string) => ({ type: 10, content });
const button = { type: 2, style: 1, label: "Yes", custom_id: "yes" };

describe("[H9] describeComponents()", () => {
  const rows: readonly [title: string, components: readonly unknown[], words: string][] = [
    ["a text", [text("# Status\nall up")], "# Status\nall up"],
    ["a row of buttons", [{ type: 1, components: [button] }], "[button: Yes]"],
    [
      "a link",
      [{ type: 1, components: [{ type: 2, style: 5, label: "Docs", url: "https://d.example" }] }],
      "[button: Docs, https://d.example]",
    ],
    [
      "a menu with its options",
      [{
        type: 1,
        components: [{ type: 3, placeholder: "Size", options: [{ label: "S" }, { label: "L" }] }],
      }],
      "[menu: Size (S / L)]",
    ],
    ["a menu of people", [{ type: 5, placeholder: "Whom?" }], "[menu: Whom?]"],
    [
      "a section with its picture",
      [{
        type: 9,
        components: [text("one"), text("two")],
        accessory: { type: 11, media: { url: "https://x" }, description: "a cat" },
      }],
      "one\ntwo\n[picture: a cat]",
    ],
    [
      "a gallery, spoilers marked",
      [{
        type: 12,
        items: [{ media: { url: "https://x" }, description: "a" }, { media: {}, spoiler: true }],
      }],
      "[picture: a]\n[picture: behind a spoiler]",
    ],
    ["a file", [{ type: 13, file: { url: "attachment://a.txt" }, name: "a.txt" }], "[file: a.txt]"],
    [
      "a container with all of it",
      [{ type: 17, components: [text("in"), { type: 14 }, { type: 1, components: [button] }] }],
      "in\n[button: Yes]",
    ],
    ["nothing for unknown types", [{ type: 99, content: "?" }, text("known")], "known"],
    ["nothing for unexpected shapes", [null, 7, "x", { type: "10" }, { type: 10, content: 4 }], ""],
  ];
  for (const [title, components, words] of rows) {
    it(`describes ${title}`, () => assert.equal(describeComponents(components), words));
  }

  it("stops at the maximum depth", () => {
    let nested: unknown = text("deep");
    for (let depth = 0; depth < 10_000; depth++) nested = { type: 17, components: [nested] };
    assert.equal(describeComponents([nested]), "");
  });
});

describe("[H9] a message that has only components", () => {
  const fields = { content: "", components: [text("x".repeat(5_000))] };
  const message = messageData(fields);

  it("has a bounded description", () => {
    const [extra] = describeExtras(messagePayload.parse(message));
    assert.equal(extra?.kind, "components");
    assert.ok(extra.text.length > 3_900 && extra.text.length <= 4_000);
  });

  it("keeps its text in quotes and forwards", () => {
    assert.match(fullText(contentPayload.parse({ components: [text("hi")] })), /components: hi/);
  });
});

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

const CONTEXT = {
  accountId: ACCOUNT,
  self: SELF,
  index: applyDispatch(new Map(), { t: "GUILD_CREATE", s: 2, d: guildData() }, SELF.userId).index,
};
const ID = "1400000000000000055";

function decoded(fields: Fields): InboundMessage {
  const event = decodeMessage(messageData(fields), CONTEXT);
  assert.ok(event?.kind === "message", JSON.stringify(event));
  return event;
}

/** A message as the model gets it in each way: sent, quoted, by a message command, and forwarded. */
function inEachWay(fields: Fields) {
  const message = messageData({ id: ID, ...fields });
  const { text, extras, attachments } = decoded({ id: ID, ...fields });
  const { quoted } = decoded({
    type: 19,
    content: "",
    message_reference: { message_id: ID },
    referenced_message: message,
  });
  const call = decodeInteraction(
    pressData({
      type: 2,
      guild_id: GUILD,
      channel_id: CHANNEL,
      member: { user: ADA, roles: [] },
      user: undefined,
      message: undefined,
      data: {
        ...{ id: "1", type: 3, name: "Ask Barnacle" },
        target_id: ID,
        resolved: { messages: { [ID]: message } },
      },
    }),
    CONTEXT,
  );
  assert.ok(call?.kind === "slash", JSON.stringify(call));
  const forward = decoded({
    content: "",
    message_reference: { type: 1, channel_id: CHANNEL, message_id: ID },
    message_snapshots: [{ message: fields }],
  });
  return {
    sent: { text: withExtras({ text, extras }), attachments },
    quoted: { text: quoted?.text, attachments: quoted?.attachments },
    asked: { text: call.target?.text, attachments: call.target?.attachments },
    forwarded: { text: forward.extras[0]?.text ?? "", attachments: forward.attachments },
  };
}

const CDN = "https://cdn.discordapp.com/attachments/1/2/map.png?ex=1";
const PROXY = "https://images-ext-1.discordapp.net/external/x/https/example.org/a.png";

describe("[H3] [H7] readQuoted()", () => {
  const rows: readonly (readonly [string, Fields, string, readonly Fields[]])[] = [
    ["a text of 4,000 characters", { content: "é".repeat(4_000) }, "é".repeat(4_000), []],
    [
      "a file with a title",
      {
        content: "",
        attachments: [{
          ...{ id: "2", filename: "Ubersicht_2026.pdf", title: "Übersicht 2026", size: 5 },
          url: CDN,
        }],
      },
      "[attachment: Übersicht 2026.pdf (unknown type, 5 bytes)]",
      [{ id: "2", name: "Übersicht 2026.pdf", url: CDN, size: 5 }],
    ],
    [
      "a poll with the longest answers",
      {
        content: "",
        poll: {
          question: { text: "q".repeat(300) },
          answers: Array.from({ length: 10 }, () => ({ poll_media: { text: "a".repeat(55) } })),
        },
      },
      `[poll: ${"q".repeat(300)} (${Array(10).fill("a".repeat(55)).join(" / ")})]`,
      [],
    ],
    [
      "stickers",
      {
        content: "",
        sticker_items: [
          { id: "1400000000000000003", name: "Wave", format_type: 1 },
          { id: "1400000000000000004", name: "Dance", format_type: 4 },
          { id: "1400000000000000005", name: "Vector", format_type: 3 },
        ],
      },
      "[sticker: Wave]\n[sticker: Dance]\n[sticker: Vector]",
      [
        {
          ...{ id: "1400000000000000003", name: "Wave.png" },
          url: "https://media.discordapp.net/stickers/1400000000000000003.png",
        },
        {
          ...{ id: "1400000000000000004", name: "Dance.gif" },
          url: "https://media.discordapp.net/stickers/1400000000000000004.gif",
        },
      ],
    ],
    [
      "the picture of an embed, by Discord's proxy",
      {
        content: "",
        embeds: [{ title: "A", image: { url: "https://example.org/a.png", proxy_url: PROXY } }],
      },
      "[embed: A]",
      [{ id: "134864031496329778", name: "a.png", url: PROXY }],
    ],
    [
      "pictures of a gallery, with the one that is an attachment once",
      {
        content: "",
        attachments: [{ id: "2", filename: "map.png", size: 5, url: CDN }],
        components: [{
          type: 17,
          components: [{
            type: 12,
            items: [
              { media: { url: CDN }, description: "a map" },
              { media: { url: CDN.replaceAll("2", "3"), proxy_url: null }, spoiler: true },
            ],
          }, { type: 13, file: { url: CDN.replaceAll("2", "4") } }],
        }],
      },
      "[attachment: map.png (unknown type, 5 bytes)]\n" +
      "[components: [picture: a map]\n[picture: behind a spoiler]\n[file]]",
      [
        { id: "2", name: "map.png", url: CDN },
        { id: "3", name: "map.png", url: CDN.replaceAll("2", "3") },
        { id: "4", name: "map.png", url: CDN.replaceAll("2", "4") },
      ],
    ],
  ];
  for (const [what, fields, text, files] of rows) {
    it(`reads ${what} in a message, a quote, a target of a menu and a forward`, () => {
      for (const [way, read] of Object.entries(inEachWay(fields))) {
        assert.equal(read.text, text, way);
        const attachments = (read.attachments ?? []).map(({ id, name, url }) => ({
          id,
          name,
          url,
        }));
        assert.deepEqual(attachments, files.map(({ id, name, url }) => ({ id, name, url })), way);
      }
    });
  }

  it("[H9] gives no file behind a spoiler to another channel", () => {
    const { attachments } = decoded({
      content: "",
      message_reference: { type: 1, channel_id: "1700000000000000099", message_id: ID },
      message_snapshots: [{
        message: {
          content: "||https://example.org||",
          attachments: [{ id: "3", filename: "b.png", size: 5, url: CDN.replaceAll("2", "3") }],
          components: [{
            ...{ type: 17, spoiler: true },
            components: [{ type: 12, items: [{ media: { url: CDN.replaceAll("2", "3") } }] }],
          }],
          embeds: [{ image: { url: "https://example.org/a.png", proxy_url: PROXY } }],
          sticker_items: [{ id: "1400000000000000003", name: "Wave", format_type: 1 }],
        },
      }],
    });
    assert.deepEqual(attachments?.map(({ name }) => name), ["Wave.png"]);
  });

  it("reads each message alike in all ways, with any fields", () => {
    const url = fc.oneof(fc.webUrl(), fc.constant(CDN), fc.string());
    const id = fc.oneof(fc.bigInt(1n, 2n ** 63n).map(String), fc.string());
    const media = fc.record({ url, proxy_url: url, description: fc.string() }, {
      requiredKeys: [],
    });
    const odd = fc.jsonValue();
    const item = fc.record({ media, description: fc.string(), spoiler: fc.boolean() });
    const { component } = fc.letrec<{ component: unknown }>((tie) => ({
      component: fc.oneof(
        odd,
        fc.record({
          type: fc.integer({ min: 1, max: 18 }),
          content: fc.string(),
          media,
          file: media,
          items: fc.array(item),
          components: fc.array(tie("component"), { maxLength: 3 }),
          accessory: tie("component"),
        }, { requiredKeys: ["type"] }),
      ),
    }));
    const content = fc.record({
      content: fc.string({ maxLength: 5_000 }),
      attachments: fc.array(
        fc.oneof(
          odd,
          fc.record({ id, url, filename: fc.string(), title: fc.string(), size: fc.nat() }),
        ),
      ),
      embeds: fc.array(
        fc.oneof(odd, fc.record({ title: fc.string(), image: media, thumbnail: media })),
      ),
      sticker_items: fc.array(
        fc.oneof(odd, fc.record({ id, name: fc.string(), format_type: fc.nat(5) })),
      ),
      components: fc.array(component, { maxLength: 4 }),
    }, { requiredKeys: ["content"] });
    fc.assert(
      fc.property(content, (fields) => {
        const { sent, ...others } = inEachWay(fields);
        for (const [way, read] of Object.entries(others)) {
          assert.deepEqual(read.attachments ?? [], sent.attachments ?? [], way);
          assert.equal(read.text, sent.text.slice(0, read.text?.length), way);
          assert.ok(sent.text.length <= 10_000 ? read.text === sent.text : true, way);
        }
        for (const file of sent.attachments ?? []) {
          assert.match(file.id, /^\d{1,20}$/);
          assert.ok(file.name !== "" && file.name.length <= 270);
        }
      }),
      { numRuns: cases(100, 5_000) },
    );
  });
});
