/** Sixty answers of models, and what becomes of their links (R9). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createKnownLinks } from "../../../src/render/safety/known_links.ts";
import { createLinks } from "../../../src/render/safety/links.ts";

const known = createKnownLinks();
known.add("person", "earlier: https://shop.example/item?id=7, and https://blog.example/#top");
known.add(
  "tool",
  '{"results":[{"url":"https://news.example/a?id=1\\u0026from=search","title":"A"},' +
    '{"url":"https:\\/\\/docs.tool.example\\/b#install"}]}',
);
known.add("tool", '<a href="https://page.example/?a=1&amp;b=2">x</a> [c](https://c.example/(d)?q)');

const links = createLinks({
  written: ["Compare https://mine.example/cart?id=9 for me", "Our site: https://own.example/?p=1"],
  isKnown: known.has,
  linkHosts: ["wiki.company.example", "*.apps.example"],
});

/** `undefined`: the answer stays as it is. */
const ANSWERS: readonly (readonly [answer: string, shown?: string])[] = [
  // Discord's own links.
  ["It is pinned here: https://discord.com/channels/1400/1401/1402"],
  ["[That message](https://discord.com/channels/@me/1401/1402) says it."],
  ["Join https://discord.gg/krill or <https://discord.com/invite/krill>."],
  ["The picture: https://cdn.discordapp.com/attachments/1/2/a.png?ex=66&is=65&hm=0f"],
  ["See https://support.discord.com/hc/en-us/articles/360045138571-Beginner-s-Guide#h_01"],
  ["Add me: https://discord.com/oauth2/authorize?client_id=1400&scope=bot&permissions=8"],
  [
    "https://discord.com/oauth2/authorize?client_id=1&response_type=code&redirect_uri=https%3A%2F%2Fevil.example",
    "<https://discord.com/oauth2/authorize> `?client_id=1&response_type=code&redirect_uri=https%3A%2F%2Fevil.example`",
  ],
  [
    "https://discord.com/api/webhooks/1/token?wait=true",
    "<https://discord.com/api/webhooks/1/token> `?wait=true`",
  ],
  [
    "https://1234.discordsays.com/?k=data",
    "<https://1234.discordsays.com/> `?k=data`",
  ],
  // Well-known sites.
  ["Watch https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=42s"],
  ["**https://youtu.be/dQw4w9WgXcQ?t=42**"],
  ["Krill: https://en.wikipedia.org/wiki/Krill#Life_history"],
  ["Auf Deutsch: https://de.m.wikipedia.org/wiki/Nordsee?useskin=vector"],
  ["[Array.map](https://developer.mozilla.org/en-US/docs/Web/JavaScript/Reference#see_also)"],
  ["1. https://docs.python.org/3/library/re.html#re.sub\n2. https://pypi.org/project/httpx/"],
  ["https://github.com/denoland/deno/issues?q=is%3Aopen+label%3Abug"],
  ["https://github.com/denoland/deno/blob/main/README.md#install"],
  ["https://stackoverflow.com/questions/11227809?answertab=votes#tab-top"],
  ["https://www.openstreetmap.org/?mlat=54.32&mlon=10.13#map=12/54.32/10.13"],
  ["https://www.google.com/maps/search/?api=1&query=Kiel"],
  ["https://arxiv.org/abs/1706.03762v7 and https://pubmed.ncbi.nlm.nih.gov/?term=krill"],
  ["https://unix.stackexchange.com/a/12345?x=1"],
  [
    "http://en.wikipedia.org/wiki/Krill?x=1",
    "<http://en.wikipedia.org/wiki/Krill> `?x=1`",
  ],
  ["https://github.com:8443/a?k", "<https://github.com:8443/a> `?k`"],
  ["https://github.com.evil.example/?k", "<https://github.com.evil.example/> `?k`"],
  ["https://wikipedia.org.evil.example/", "<https://wikipedia.org.evil.example/>"],
  ["https://evil.github.io/?k", "<https://evil.github.io/> `?k`"],
  ["https://github.com@evil.example/?k", "`https://github.com@evil.example/`"],
  // Well-known sites that send people on.
  [
    "https://www.google.com/url?q=https://evil.example/?k=data",
    "<https://www.google.com/url> `?q=https[:]//evil.example/?k=data`",
  ],
  ["https://www.google.com/search?q=krill", "<https://www.google.com/search> `?q=krill`"],
  [
    "https://www.youtube.com/redirect?q=evil.example%2F%3Fk",
    "<https://www.youtube.com/redirect> `?q=evil.example%2F%3Fk`",
  ],
  [
    "https://github.com/login/oauth/authorize?client_id=1&state=data",
    "<https://github.com/login/oauth/authorize> `?client_id=1&state=data`",
  ],
  [
    "https://stackoverflow.com/users/login?returnurl=%2F%2Fevil.example",
    "<https://stackoverflow.com/users/login> `?returnurl=%2F%2Fevil.example`",
  ],
  [
    "https://en.wikipedia.org//evil.example/?k",
    "<https://en.wikipedia.org//evil.example/> `?k`",
  ],
  [
    "https://www.reddit.com/x?dest=https%253A%252F%252Fevil.example",
    "<https://www.reddit.com/x> `?dest=https%253A%252F%252Fevil.example`",
  ],
  [
    "https://learn.microsoft.com/en-us/?WT.mc_id=data",
    "<https://learn.microsoft.com/en-us/> `?WT.mc_id=data`",
  ],
  [
    "https://docs.google.com/forms/d/e/1/formResponse?entry.1=data",
    "<https://docs.google.com/forms/d/e/1/formResponse> `?entry.1=data`",
  ],
  [
    "https://web.archive.org/save/https://evil.example/",
    "`https://web.archive.org/save/https://evil.example/`",
  ],
  // Addresses of the sender and the operator.
  ["Your cart: https://mine.example/cart?id=9."],
  ["[your cart](https://mine.example/cart?id=9), or https://own.example/?p=1"],
  ["https://mine.example/cart?id=9&k=data", "<https://mine.example/cart> `?id=9&k=data`"],
  ["https://MINE.example/cart?id=9", "<https://MINE.example/cart> `?id=9`"],
  // Hosts of the config.
  ["https://wiki.company.example/?page=leave and https://hr.apps.example/?u=ada"],
  ["https://apps.example/?u=ada", "<https://apps.example/> `?u=ada`"],
  // Addresses that people and tools wrote earlier.
  ["As said: https://shop.example/item?id=7.", "As said: <https://shop.example/item?id=7>."],
  ["[the blog](https://blog.example/#top)", "the blog (<https://blog.example/#top>)"],
  [
    "I found https://news.example/a?id=1&from=search",
    "I found <https://news.example/a?id=1&from=search>",
  ],
  [
    "(see https://docs.tool.example/b#install)",
    "(see <https://docs.tool.example/b#install>)",
  ],
  ["<https://page.example/?a=1&b=2> has it.", "<https://page.example/?a=1&b=2> has it."],
  ["[c](https://c.example/(d)?q)", "c (<https://c.example/(d)?q>)"],
  ["https://news.example/a?id=2", "<https://news.example/a> `?id=2`"],
  // Other hosts.
  ["Read https://some.blog.example/2024/krill.", "Read <https://some.blog.example/2024/krill>."],
  ["[Buy](https://shop2.example/p?ref=bot)", "Buy (<https://shop2.example/p> `?ref=bot`)"],
  [
    "- https://a.example/x\n- https://b.example/y?z=1#f",
    "- <https://a.example/x>\n- <https://b.example/y> `?z=1#f`",
  ],
  [
    "[https://my-bank.example](https://evil.example/login)",
    "https[:]//my-bank.example (<https://evil.example/login>)",
  ],
  ["https://xn--80ak6aa92e.com/", "<https://xn--80ak6aa92e.com/>"],
  ["https://аррӏе.com/?k", "<https://xn--80ak6aa92e.com/> `?k`"],
  ["http://localhost:8080/?debug=1", "<http://localhost:8080/> `?debug=1`"],
  [
    "![graph](https://evil.example/g.png?k=data)",
    "!graph (<https://evil.example/g.png> `?k=data`)",
  ],
  ["Run `curl https://api.example/v1?key=KEY`:\n```sh\ncurl https://api.example/?a=1\n```"],
];

describe("[R9] answers with links", () => {
  it("has sixty of them", () => assert.equal(ANSWERS.length, 60));

  for (const [answer, shown = answer] of ANSWERS) {
    it(answer, () => {
      const { text, found } = links.neutralize(answer, "code");
      assert.equal(text, shown);
      assert.equal(found > 0, shown !== answer || answer.startsWith("<https://page.example"));
      assert.equal(links.hasUntrusted(text), false);
    });
  }
});
