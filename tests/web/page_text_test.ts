import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pageText } from "../../src/web/page_text.ts";

const url = "https://example.org/a/b";
const LONG = "The tide is high at noon, they say. ".repeat(20);

function read(html: string): string {
  return pageText({ html, url }).text;
}

describe("[T6] pageText()", () => {
  it("reads the article of a page, without its menus", () => {
    const { text, title, isCut } = pageText({
      html: `<!doctype html><html><head><title>Tides &amp; more</title></head><body>
        <nav><a href=/x>Home of menus</a></nav><article><h1>Tides</h1><p>${LONG}</p></article></body>`,
      url,
    });
    assert.equal(title, "Tides & more");
    assert.match(text, /The tide is high/);
    assert.doesNotMatch(text, /Home of menus/);
    assert.equal(isCut, false);
  });

  it("reads all of a page without an article", () => {
    assert.equal(read("<p>one</p><p>two</p>"), "one\n\ntwo");
    assert.equal(read("just text < 3 & more"), "just text < 3 & more");
    assert.equal(read(""), "");
  });

  it("writes Markdown: headings, lists, code, tables, links, names of pictures", () => {
    assert.equal(
      read(
        "<h2>Boats</h2><ul><li>one<ul><li>two</li></ul></li></ul><pre><code>a\n  b</code></pre>" +
          "<table><tr><td>x</td><td>y</td></tr></table><p>see <a href='../c?q=1'>this</a> and <code>z</code>" +
          "<img alt='a boat' src=x> <a href='javascript:1'>no</a> <a href='#top'>up</a></p>",
      ).replace(/\n+/g, "\n"),
      "## Boats\n- one\n  - two\n```\na\n  b\n```\nx | y |\n" +
        "see [this](https://example.org/c?q=1) and `z`[image: a boat] no up",
    );
  });

  it("leaves out scripts, styles, comments and hidden parts", () => {
    const text = read(
      "<p>seen</p><script>one</script><style>two</style><!-- three --><noscript>four</noscript>" +
        "<template>five</template><p hidden>six</p><p aria-hidden=true>seven</p><SCRIPT >eight</SCRIPT >",
    );
    assert.equal(text, "seen");
  });

  it("[SEC-R25] reads hostile pages, or their beginning, within bounds", () => {
    const { text, isCut } = pageText({ html: "<p>x</p>".repeat(240_000), url });
    assert.equal(typeof text, "string");
    assert.equal(isCut, true);
    const hostile: readonly string[] = [
      "<div>".repeat(390_000) + "x",
      "<a href=x>".repeat(180_000),
      "<".repeat(1_900_000),
      "<script>".repeat(200_000),
      "<!--".repeat(400_000),
      `<p ${"a=b ".repeat(450_000)}>x</p>`,
      "&amp;".repeat(390_000),
      "[ ".repeat(900_000),
    ];
    for (const html of hostile) {
      assert.equal(typeof read(html), "string");
    }
  });

  it("reads a page's whole text if an article is not wanted", () => {
    const html = `<nav>menu</nav><article><p>${LONG}</p></article>`;
    assert.match(pageText({ html, url, isPlain: true }).text, /^menu/);
  });
});
