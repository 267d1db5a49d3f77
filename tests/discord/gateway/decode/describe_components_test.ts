import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  describeComponents,
  describeExtras,
  fullText,
} from "../../../../src/discord/gateway/decode/describe.ts";
import {
  contentPayload,
  isPlainMessage,
  messagePayload,
} from "../../../../src/discord/gateway/decode/payloads.ts";
import { messageData } from "../../../support/discord/payloads.ts";

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
    [
      "nothing for an unexpected shape",
      [null, 7, "x", { type: "10" }, { type: 10, content: 4 }],
      "",
    ],
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
    assert.equal(isPlainMessage(message), false);
    const [extra] = describeExtras(messagePayload.parse(message));
    assert.equal(extra?.kind, "components");
    assert.ok(extra.text.length > 3_900 && extra.text.length <= 4_000);
  });

  it("keeps its text in quotes and forwards", () => {
    assert.match(fullText(contentPayload.parse({ components: [text("hi")] })), /components: hi/);
  });
});
