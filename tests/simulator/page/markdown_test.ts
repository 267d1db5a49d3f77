import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parse } from "../../../simulator/page/web/markdown.js";

const text = (said: string) => ({ kind: "text", text: said });
const line = (...inner: readonly object[]) => [{ kind: "paragraph", inner }];

const ROWS: readonly (readonly [said: string, blocks: readonly object[]])[] = [
  ["", []],
  ["plain", line(text("plain"))],
  ["two\nlines", line(text("two"), { kind: "break" }, text("lines"))],
  [
    "**bold** and *it*",
    line(
      { kind: "bold", inner: [text("bold")] },
      text(" and "),
      { kind: "italic", inner: [text("it")] },
    ),
  ],
  [
    "**a *b* c**",
    line({
      kind: "bold",
      inner: [text("a "), { kind: "italic", inner: [text("b")] }, text(" c")],
    }),
  ],
  ["snake_case_name", line(text("snake_case_name"))],
  ["_it_", line({ kind: "italic", inner: [text("it")] })],
  ["__under__", line({ kind: "underline", inner: [text("under")] })],
  ["~~gone~~", line({ kind: "strike", inner: [text("gone")] })],
  ["||hush||", line({ kind: "spoiler", inner: [text("hush")] })],
  ["\\*not\\*", line(text("*not*"))],
  ["2 * 3 * 4", line(text("2 * 3 * 4"))],
  ["`**code**`", line({ kind: "code", text: "**code**" })],
  ["an open `tick", line(text("an open `tick"))],
  [
    "<@123> <@!45> <@&6> <#7>",
    line(
      { kind: "mention", to: "@123" },
      text(" "),
      { kind: "mention", to: "@45" },
      text(" "),
      { kind: "mention", to: "@&6" },
      text(" "),
      { kind: "mention", to: "#7" },
    ),
  ],
  [
    "until <t:1764000000:R> or <t:-5>",
    line(
      text("until "),
      { kind: "time", at: 1_764_000_000, style: "R" },
      text(" or "),
      { kind: "time", at: -5, style: "f" },
    ),
  ],
  ["<t:9999999999999>", line(text("<t:9999999999999>"))],
  ["`<@123>`", line({ kind: "code", text: "<@123>" })],
  ["@everyone", line({ kind: "mention", to: "@everyone" })],
  [
    "see https://example.org/a_b_c.",
    line(
      text("see "),
      {
        kind: "link",
        url: "https://example.org/a_b_c",
        inner: [text("https://example.org/a_b_c")],
      },
      text("."),
    ),
  ],
  [
    "[here](https://example.org)",
    line({
      kind: "link",
      url: "https://example.org",
      inner: [text("here")],
    }),
  ],
  ["# Title\ntext", [
    { kind: "heading", level: 1, inner: [text("Title")] },
    ...line(text("text")),
  ]],
  ["#channel", line(text("#channel"))],
  ["-# small", [{ kind: "small", inner: [text("small")] }]],
  ["> a\n> b\nc", [
    { kind: "quote", blocks: line(text("a"), { kind: "break" }, text("b")) },
    ...line(text("c")),
  ]],
  ["- one\n  - two\n2. three", [{
    kind: "list",
    items: [
      { mark: "•", depth: 0, inner: [text("one")] },
      { mark: "•", depth: 1, inner: [text("two")] },
      { mark: "2.", depth: 0, inner: [text("three")] },
    ],
  }]],
  ["a\n```ts\nconst b = `c`;\n```\nd", [
    ...line(text("a")),
    { kind: "fence", language: "ts", text: "const b = `c`;" },
    ...line(text("d")),
  ]],
  ["```one line```", [{ kind: "fence", language: "", text: "one line" }]],
  ["```\n> # **raw** <@1>\n```", [{ kind: "fence", language: "", text: "> # **raw** <@1>" }]],
];

const HOSTILE = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "[x](javascript:alert(1))",
  "[x](data:text/html,<script>)",
  '[x](https://ok.example" onclick="alert(1))',
  "[x](javascript://%0aalert(1))",
  "<javascript://%0aalert(1)>",
  '```html"><script>\n</script>\n```',
];

describe("[X1] parse()", () => {
  for (const [said, blocks] of ROWS) {
    it(`reads ${JSON.stringify(said)}`, () => assert.deepEqual(parse(said), blocks));
  }

  for (const said of HOSTILE) {
    it(`links only to the web in ${JSON.stringify(said)}`, () => {
      for (const url of urlsOf(parse(said))) {
        assert.match(url, /^https?:\/\/[^\s<>"]+$/);
      }
    });
  }

  it("makes only web links and words of the text, from any text", () => {
    const pieces = fc.constantFrom(
      ..."*_~|`<>@#[]()\\\n- .1a".split(""),
      "```",
      "http://",
      "javascript:",
      "<@1>",
    );
    const said = fc.array(pieces, { maxLength: 200 }).map((parts) => parts.join(""));
    fc.assert(fc.property(said, (text) => {
      const blocks = parse(text);
      for (const url of urlsOf(blocks)) {
        assert.match(url, /^https?:\/\//);
        assert.ok(text.includes(url));
      }
      for (const words of wordsOf(blocks)) assert.ok([...words].every((one) => text.includes(one)));
    }));
  });

  it("nests marks, up to a limit", () => {
    const nested = "**__~~||*_deep_*||~~__**";
    assert.equal(depthOf(parse(nested)), 7);
    let said = "deep";
    for (let depth = 0; depth < 60; depth++) said = depth % 2 ? `**${said}**` : `__${said}__`;
    assert.ok(depthOf(parse(said)) <= 10);
  });

  it("ends on endlessly nested marks", () => {
    for (const mark of ["**a", "||", "*_", "> ", "[", "`", "~~x", "```"]) {
      const said = mark.repeat(Math.floor(4_000 / mark.length));
      assert.ok(Array.isArray(parse(said)));
    }
  });
});

/** Every string at `key` within a tree. */
function found(tree: unknown, key: string): string[] {
  if (Array.isArray(tree)) return tree.flatMap((one) => found(one, key));
  if (typeof tree !== "object" || tree === null) return [];
  return Object.entries(tree).flatMap(([name, value]) =>
    name === key && typeof value === "string" ? [value] : found(value, key)
  );
}

/** The depth of nested `inner` fields. */
function depthOf(tree: unknown): number {
  if (typeof tree !== "object" || tree === null) return 0;
  return Math.max(
    0,
    ...Object.entries(tree).map(([name, value]) => depthOf(value) + (name === "inner" ? 1 : 0)),
  );
}

function urlsOf(blocks: unknown): string[] {
  return found(blocks, "url");
}

function wordsOf(blocks: unknown): string[] {
  return found(blocks, "text");
}
