import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cleanMarkup } from "../../../src/cli/dashboard/dashboard.ts";
import { createRedactor } from "../../../src/lib/text/redactor.ts";

const { add, clean } = createRedactor();
add('hunter2<"&');
add("class");

describe("[O6] cleanMarkup()", () => {
  const rows: readonly (readonly [what: string, html: string, cleaned: string])[] = [
    ["a text", "<p>hunter2&lt;&quot;&amp;</p>", "<p>[redacted]</p>"],
    [
      "a tooltip",
      '<b title="it is hunter2&lt;&quot;&amp;">x</b>',
      '<b title="it is [redacted]">x</b>',
    ],
    ["a field", '<input value="hunter2&lt;&quot;&amp;">', '<input value="[redacted]">'],
    ["a link", '<a href="?q=hunter2%3C%22%26">x</a>', '<a href="?q=[redacted]">x</a>'],
    [
      "words for a screen reader",
      '<svg aria-label="hunter2&lt;&quot;&amp;">',
      '<svg aria-label="[redacted]">',
    ],
    ["data", '<p data-query="hunter2&lt;&quot;&amp;">', '<p data-query="[redacted]">'],
  ];
  for (const [what, html, cleaned] of rows) {
    it(`removes a secret from ${what}`, () => assert.equal(cleanMarkup(html, clean), cleaned));
  }

  it("leaves names of the markup, even if a secret is one of them", () => {
    const html = '<p class="class">a class</p>';
    assert.equal(cleanMarkup(html, clean), '<p class="class">a [redacted]</p>');
  });
});
