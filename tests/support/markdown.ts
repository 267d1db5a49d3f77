/**
 * Makes Markdown documents like a model's answers, for property tests.
 *
 * The words name their place, so that a test can detect a moved word. `code…` belongs in code,
 * `quoted…` behind a quote mark, `hidden…` in a spoiler, `said…` in none of them. Each has its own
 * number.
 */

import fc from "fast-check";

/** Text that must stay in one piece, if it fits at all. */
export const TOKENS = [
  "https://example.org/a?b=c_d",
  "<https://e.org/x_(y)>",
  "[the (whole) page](https://en.wikipedia.org/wiki/A_(b))",
  "<@123456789012345678>",
  "<@&12345678901234567>",
  "<#123456789012345678>",
  "<:blob:12345678901>",
  "<a:wave:12345678901>",
  "<t:1700000000:R>",
  "</play song:123456>",
  "👩‍👩‍👧‍👦",
  "🇩🇪",
  "👍🏽",
  "e\u0301\u0302",
  "क्षि",
  "한국",
] as const;

/** Words in other scripts, with and without spaces. */
const FOREIGN = ["日本語の文。", "とても、長い", "שלום", "مرحبا", "🦐", "ก็"] as const;

type Kind = "said" | "code" | "quoted" | "hidden";

/** A block of a document, with `%` for the number of each word. */
const words = (kind: Kind, least: number, most: number): fc.Arbitrary<string> =>
  fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constant(`${kind}%`) },
      { weight: 1, arbitrary: fc.constantFrom(...TOKENS) },
      { weight: 1, arbitrary: fc.constantFrom(...FOREIGN) },
    ),
    { minLength: least, maxLength: most },
  ).map((all) => `${kind}% ${all.join(" ")}`);

const plain = (kind: Kind, least: number, most: number): fc.Arbitrary<string> =>
  fc.integer({ min: least, max: most }).map((count) =>
    Array.from({ length: count }, () => `${kind}%`).join(" ")
  );

const heading = fc.tuple(fc.constantFrom("#", "##", "###"), plain("said", 1, 3))
  .map(([mark, text]) => `${mark} ${text}`);

const paragraph = fc.tuple(
  words("said", 0, 20),
  fc.constantFrom(
    "",
    " **said% said%**",
    " ||hidden% hidden%||",
    " `said% said%`",
    " _said%_.",
    "\nsaid% said%.",
  ),
  fc.constantFrom("", " said% said%."),
).map((parts) => parts.join(""));

const list = fc.array(
  fc.tuple(
    fc.constantFrom("- ", "- ", "1. ", "  - ", "    - "),
    words("said", 0, 6),
    fc.constantFrom("", "", "\n  said% said%"),
  ).map((parts) => parts.join("")),
  { minLength: 1, maxLength: 6 },
).map((items) => items.join("\n").trimStart());

const quote = fc.array(fc.tuple(fc.constantFrom("> ", "> > "), plain("quoted", 1, 25)), {
  minLength: 1,
  maxLength: 4,
}).map((lines) => lines.map((line) => line.join("")).join("\n"));

const fence = fc.tuple(
  fc.constantFrom("", "", "> ", "  "),
  fc.constantFrom("```", "````"),
  fc.constantFrom("", "js", 'ts title="some file name.ts" {1,3-5}', "x".repeat(120)),
  fc.array(fc.oneof(plain("code", 1, 12), fc.constantFrom("", "  code%", "\tcode% code%")), {
    minLength: 1,
    maxLength: 12,
  }),
).map(([indent, mark, info, lines]) =>
  [mark + info, "code%", ...lines, mark].map((line) => indent + line).join("\n")
);

const table = fc.array(
  fc.tuple(fc.constantFrom("said%", "日本", "**said%**", ""), fc.constantFrom("said%", "🦐")),
  { maxLength: 5 },
).map((rows) =>
  ["| said% | said% |", "|:--|--:|", ...rows.map(([one, two]) => `| ${one} | ${two} |`)].join("\n")
);

const block = fc.oneof(paragraph, paragraph, heading, list, quote, fence, table);

/** A document of up to twelve blocks; its end may quote all the rest. */
export const documents: fc.Arbitrary<string> = fc.tuple(
  fc.array(fc.tuple(block, fc.constantFrom("\n\n", "\n\n", "\n \n\n\n")), { maxLength: 12 }),
  fc.oneof(
    { weight: 4, arbitrary: fc.constant("") },
    {
      weight: 1,
      arbitrary: fc.tuple(plain("quoted", 1, 30), plain("quoted", 1, 30))
        .map((parts) => `>>> ${parts.join("\n\n")}`),
    },
  ),
).map(([blocks, last]) => {
  let number = 0;
  return (blocks.flat().join("") + last).replace(/%/g, () => String(++number));
});
