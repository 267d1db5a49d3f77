import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeExtras, fullText } from "../../../../src/discord/gateway/decode/describe.ts";
import { contentPayload, messagePayload } from "../../../../src/discord/gateway/decode/payloads.ts";
import { messageData } from "../../../support/discord/payloads.ts";

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
    [
      "a sticker",
      { sticker_items: [{ id: "1", name: "Wave", format_type: 1 }] },
      "sticker",
      "Wave",
    ],
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
    [
      "an embed with a footer alone",
      { embeds: [{ footer: { text: "build 7 failed" } }] },
      "embed",
      "build 7 failed",
    ],
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

describe("[H3] fullText()", () => {
  it("returns only the text if there are no extras, and never ends in a blank line", () => {
    assert.equal(fullText(contentPayload.parse({ content: "hi" })), "hi");
    assert.equal(fullText(contentPayload.parse({})), "");
  });
});
