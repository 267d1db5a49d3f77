/** Tests that parts of a text that Discord shows raw become Discord's Markdown. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { asMarkdown } from "../../../src/render/markdown/as_markdown.ts";
import { codeFences } from "../../../src/render/markdown/code_fence.ts";
import { shownText } from "../../../src/render/safety/visible.ts";
import { cases } from "../../support/long_form.ts";

const E = "https://e.org";
const table = (title: string, rows: readonly (readonly [string, string])[]) =>
  describe(`[R2a] asMarkdown() › ${title}`, () => {
    for (const [written, shown] of rows) {
      it(`shows ${JSON.stringify(written)}`, () => assert.equal(asMarkdown(written), shown));
    }
  });

table("HTML", [
  ["a<br>b<BR/>c<br />d", "a\nb\nc\nd"],
  ["> a<br>b", "> a\n> b"],
  ["- a<br>b", "- a\n  b"],
  ["> 1. a<br>b", "> 1. a\n>    b"],
  ["| a | b<br>c |\n|---|---|\n| d | e |", "| a | b / c |\n|---|---|\n| d | e |"],
  ["a ||b<br>c||", "a ||b\nc||"],
  ["<b>a</b> <strong>b</strong> <i>c</i> <em>d</em>", "**a** **b** *c* *d*"],
  ["<u>a</u> <ins>b</ins> <s>c</s> <del>d</del>", "__a__ __b__ ~~c~~ ~~d~~"],
  ["<kbd>Ctrl</kbd>+<code>a&lt;<b></code>", "`Ctrl`+`a<<b>`"],
  ["H<sub>2</sub>O, x<sup>n+1</sup>, a<sup>b;c</sup>", "H₂O, xⁿ⁺¹, a^(b;c)"],
  ["<p>a</p><p class='x'>b</p>", "a\nb"],
  ["<ul><li>a</li><li>b</li></ul>", "\n- a\n- b"],
  ["<h2>T</h2>a", "## T\na"],
  [`<a href="${E}/?a=1&amp;b=2">go</a>`, `[go](${E}/?a=1&b=2)`],
  ["<a name='x'>go</a>", "go"],
  [`<img src="${E}/a.png" alt="a cat">`, `[a cat](${E}/a.png)`],
  ['<img src="data:x" alt="a cat">', "a cat"],
  [`<img src="${E}/a.png">-# a`, `${E}/a.png -# a`],
  ["<img src=x onerror='f()'>", "<img src=x onerror='f()'>"],
  ["a<!-- b -->c", "ac"],
  // Not HTML, or not harmless.
  ["Array<b> and List<i> x", "Array<b> and List<i> x"],
  [
    "<T>x</T> <script>x</script> <constructor>x</constructor>",
    "<T>x</T> <script>x</script> <constructor>x</constructor>",
  ],
  ["1 <b 2 > 3", "1 <b 2 > 3"],
  [
    "`<b>a</b>&lt;` and\n```\n<br>&amp;![a](https://e.org)\n```",
    "`<b>a</b>&lt;` and\n```\n<br>&amp;![a](https://e.org)\n```",
  ],
  [
    "<@1> <#2> <:a:3> </b:4> <t:5> <https://e.org>",
    "<@1> <#2> <:a:3> </b:4> <t:5> <https://e.org>",
  ],
]);

table("entities", [
  ["5 &lt; 6 &amp;&amp; &quot;x&quot; &#x2014; &nbsp;&euro;&hearts;", '5 \\< 6 && "x" — \u00a0€♥'],
  ["&#42;a&#42; &lt;b&gt; &lt;@123&gt; &grave;", "\\*a\\* \\<b\\> \\<@123\\> \\`"],
  ["&amp;lt;", "&lt;"],
  ["AT&T; &unknown; a&b &#xffffff;", "AT&T; &unknown; a&b \ufffd"],
  ["a&#0;&#27;b", "a\ufffdb"],
]);

table("references and pictures", [
  [
    `[a][1], [B][], [c], [d][9]\n\n[1]: ${E}/1\n[b]: <${E}/2> "T"\n[c]: ${E}/3 (T)`,
    `[a](${E}/1), [B](${E}/2), [c](${E}/3), [d][9]`,
  ],
  [`[1]: ${E}/1\n\nText.`, `[1]: ${E}/1\n\nText.`],
  [`- [x] done [^1]\n\n[^1]: ${E}`, `- [x] done [^1]\n\n[^1]: ${E}`],
  [`![cat][p]\n\n[p]: ${E}/p.png`, `[cat](${E}/p.png)`],
  [`\`[a][1]\`\n\n[1]: ${E}`, `\`[a][1]\`\n\n[1]: ${E}`],
  [`![cat](${E}/c.png "T") ![](${E}/d.png)`, `[cat](${E}/c.png "T") ${E}/d.png`],
  [`[![badge](${E}/b.svg)](${E})`, `[badge](${E})`],
  [`[](${E})`, E],
]);

table("links whose words are an address", [
  [`[${E}](${E})`, E],
  [`[**${E}**](<${E}/x>)`, `${E}/x`],
  [`[e.org](${E}/x)`, `${E}/x`],
  [`[https://good.org](https://evil.org)`, "https://evil.org"],
  [`[see ${E} now](${E})`, `see ${E} now`],
  [`[see https://good.org now](${E})`, `see https://good.org now (${E})`],
  [`[docs](${E}/a_(b)) [v1.2](${E})`, `[docs](${E}/a_(b)) [v1.2](${E})`],
]);

table("formulas", [
  ["$x^2 + y_1 = z^{n+1}$", "x² + y₁ = zⁿ⁺¹"],
  ["\\(\\alpha \\leq \\infty\\)", "α ≤ ∞"],
  ["$$\\sum_{i=1}^{n} \\frac{a_i+1}{2}$$", "∑ᵢ₌₁ⁿ (aᵢ+1)/2"],
  ["\\[\n\\int_0^1 \\sqrt{x} \\, dx\n\\]", "∫₀¹ √x dx"],
  ["$\\left( \\frac{1}{2} \\right)$", "( 1/2 )"],
  ["$90^\\circ$, $f'(x)$, $\\vec{v}$, $\\mathbb{R}^n$", "90°, f′(x), v⃗, ℝⁿ"],
  ["$\\lim_{x \\to 0} \\sin x$", "lim\\_(x → 0) sin x"],
  ["$\\text{if } a \\neq b$ and $\\sqrt[3]{8}$", "if a ≠ b and ³√8"],
  ["$a * b_i * c$", "a \\* bᵢ \\* c"],
  // Unreadable ones stay, in code.
  ["$$\\begin{pmatrix}1 & 2\\\\3\\end{pmatrix}$$", "`\\begin{pmatrix}1 & 2\\\\3\\end{pmatrix}`"],
  ["$\\unknown{x}$ $\\constructor$ $x^{$", "`\\unknown{x}` `\\constructor` `x^{`"],
  // No formulas.
  ["$5 and $10, $5 + tax or 10$, US$ 3$", "$5 and $10, $5 + tax or 10$, US$ 3$"],
  ["$HOME/bin:$PATH, \\$x^2\\$", "$HOME/bin:$PATH, \\$x^2\\$"],
  ["\\[x\\] a \\(note\\)", "\\[x\\] a \\(note\\)"],
  ["`$x^2$`", "`$x^2$`"],
]);

describe("[R2a] asMarkdown() › laws", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...'<b> </b> <i> </i> <br> <p> </p> <a href="https://e.org"> </a> <code> </code> <sub> </sub> <!-- --> &lt; &#42; &#45; & ; [ ] ( ) ![ ]( [1] [1]: https://e.org $ $$ \\[ \\] \\( \\) \\frac { } ^ _ \\left ` ** || - # -# | \\'
        .split(" "),
      "\n",
      "\n\n",
      " ",
      "\n> ",
      "\n- ",
    ),
    fc.string({ maxLength: 4 }),
  );
  const hostile = fc.array(piece, { maxLength: 60 }).map((parts) => parts.join(""));
  const numRuns = cases(500, 20_000);

  it("shows each decoded character, and reads no mark in it", () => {
    const text = fc.array(fc.constantFrom(..."*_~`|<>#[]\\-+@:/&;ab1 é😀")).map((all) =>
      all.join("")
    );
    fc.assert(
      fc.property(text, (text) => {
        const written = Array.from(text, (one) => `&#${one.codePointAt(0)};`).join("");
        const shown = asMarkdown(written);
        assert.equal(shown.replace(/\\([^0-9A-Za-z\s])/g, "$1"), text);
        assert.doesNotMatch(shown.replace(/\\./gs, ""), /[*_~`|<>#[\]]/);
      }),
      { numRuns },
    );
  });

  it("leaves blocks of code as they are", () => {
    fc.assert(
      fc.property(hostile, hostile, (code, after) => {
        const block = `\`\`\`\n${code.replaceAll("`", "")}\n\`\`\``;
        assert.ok(asMarkdown(`${block}\n${after.replaceAll("`", "")}`).startsWith(block));
      }),
      { numRuns },
    );
  });

  it("[R15] leaves no small type, adds little, and never fails", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = shownText(text);
        assert.ok(shown.length <= 4 * text.length + 100, shown);
        if (codeFences(shown, 2_000).length > 0 || shown.includes("`")) return;
        assert.doesNotMatch(shown, /^-# /m);
      }),
      { numRuns },
    );
  });

  it("changes no words without such parts", () => {
    const words = fc.array(
      fc.constantFrom(
        "word",
        "**bold**",
        "*x*",
        "- item",
        "\n",
        " ",
        "3 < 4",
        "a & b",
        "$5",
        "[a](https://e.org)",
        "> q",
        "(c)",
        "[ ]",
        "~~s~~",
      ),
    )
      .map((all) => all.join(" "));
    fc.assert(fc.property(words, (text) => assert.equal(asMarkdown(text), text)), { numRuns });
  });
});
