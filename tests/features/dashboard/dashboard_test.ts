import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { html as markup } from "hono/html";
import { cleanMarkup, createDashboard } from "../../../src/features/dashboard/dashboard.ts";
import { createRedactor } from "../../../src/lib/text/redactor.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { withServed } from "./parts_fixture.ts";

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

const withoutSecret = (text: string) => text.replaceAll("s3cret", "[redacted]");

describe("[O6] cleanMarkup() with names of strangers", () => {
  it("lets no name reverse the text after it, and shows no secret", () => {
    const name = "\u001b[2J\u202egnp\u2066\u009b s3cret <img src=x>";
    assert.equal(
      cleanMarkup(String(markup`<b title="x">${name}</b>`), withoutSecret),
      `<b title="x">\\u{1b}[2J\\u{202e}gnp\\u{2066}\\u{9b} [redacted] &lt;img src=x&gt;</b>`,
    );
  });

  it("keeps each character of a value that a form sends back", () => {
    const field = '<input value="\u202e" data-x="s3cret">';
    assert.equal(cleanMarkup(field, withoutSecret), '<input value="\u202e" data-x="[redacted]">');
  });

  it("keeps marks of languages, joined emoji and line ends", () => {
    const text = "\u05d0\u200f! 👩\u200d💻\n\tx";
    assert.equal(cleanMarkup(String(markup`<p>${text}</p>`), withoutSecret), `<p>${text}</p>`);
  });
});

it("[O6] a page is rendered again once the store has changed, and not after a logout", () =>
  withServed(async (served) => {
    const { fetch, createLink } = createDashboard(served);
    const ask = (path: string, headers: Record<string, string>, body?: object) =>
      fetch(
        new Request(`http://127.0.0.1/dashboard/${path}`, {
          headers: { host: "127.0.0.1", "content-type": "application/json", ...headers },
          ...body && { method: "POST", body: JSON.stringify(body) },
        }),
      );
    const { token } = await (await ask("login", {}, { token: createLink() })).json();
    const authorization = `Bearer ${token}`;
    const page = async (known = "") => {
      const { status, headers } = await ask("pages/activity", {
        ...{ authorization, "if-none-match": known },
      });
      return [status, headers.get("etag") ?? ""] as const;
    };
    const [first, tag] = await page();
    assert.deepEqual([first, await page(tag)], [200, [304, tag]]);
    await served.store.settings.changePause(ACCOUNT, { to: true, by: "cli" }, Date.now());
    assert.equal((await page(tag))[0], 200);
    await ask("logout", { authorization }, {});
    assert.equal((await page())[0], 401);
  }));
