import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createLinks } from "../../../src/render/safety/links.ts";

const links = createLinks({
  written: [
    "see https://seen.example/x?y, docs.example.org and https://bücher.example/",
    "(https://seen.example/) **https://seen.example/a_(b)** https://seen.example/yes!",
  ],
  linkHosts: ["ok.example", "*.wild.example"],
});

describe("[R9] Links.neutralize() › trusted links", () => {
  const left = [
    "no link at all",
    "https://seen.example/x?y",
    "https://xn--bcher-kva.example/ https://bücher.example",
    "https://ok.example/?k",
    "https://a.wild.example/?k https://a.b.wild.example/?k",
    "https://ok.example/?next=https://a.wild.example/?k",
    "[words](https://seen.example/x?y) <https://seen.example/x?y>",
    "evil.example/?k=1 is no link",
    "(https://seen.example), **https://seen.example** and `https://seen.example`.",
    "[https://seen.example](https://seen.example)",
    "https://seen.example/a_(b)",
    "(https://seen.example/a_(b)), ||https://seen.example/||. [x]: https://seen.example/",
    "https://seen.example/yes! is there, and https://seen.example/yes!",
    "ftp://evil.example/?k=1 is never fetched",
  ];
  for (const text of left) {
    it(text, () => assert.deepEqual(links.neutralize(text, "code"), { text, found: 0 }));
  }
});

describe("[SEC-R7] Links.neutralize() › untrusted links", () => {
  const treated: readonly [text: string, shown: string][] = [
    ["https://evil.example/p?k=1#x", "<https://evil.example/p> `?k=1#x`"],
    ["see https://evil.example/p?k=1.", "see <https://evil.example/p> `?k=1`."],
    ["HTTPS://EVIL.example/?k", "<HTTPS://EVIL.example/> `?k`"],
    ["xhttps://evil.example/?k", "x<https://evil.example/> `?k`"],
    ["<https://evil.example/?k>", "<https://evil.example/> `?k`"],
    ["[words](https://evil.example/?k)!", "words (<https://evil.example/> `?k`)!"],
    ["[words](<https://evil.example/?k>)", "words (<https://evil.example/> `?k`)"],
    ['[words](https://evil.example/?k "title")', "words (<https://evil.example/> `?k`)"],
    ["[words](https://evil.example/a_(b)?k)", "words (<https://evil.example/a_(b)> `?k`)"],
    ["[ ](https://evil.example/?k)", "<https://evil.example/> `?k`"],
    ["[https://evil.example/?k](https://evil.example/?k)", "<https://evil.example/> `?k`"],
    ["(https://evil.example/a_(b)?k)", "(<https://evil.example/a_(b)> `?k`)"],
    ["**https://evil.example/?k**", "**<https://evil.example/> `?k`**"],
    ["||https://evil.example/?k||", "||<https://evil.example/> `?k`||"],
    ["https://evil.example/a`b?k`c", "<https://evil.example/a%60b> `?k%60c`"],
    ["https://evil.example", "<https://evil.example>"],
    ["<https://evil.example/?>", "<https://evil.example/>"],
    ["https://example.org/?k", "<https://example.org/> `?k`"],
    ["https://notdocs.example.org/?k", "<https://notdocs.example.org/> `?k`"],
    ["https://seen.example.evil.example/?k", "<https://seen.example.evil.example/> `?k`"],
    ["https://wild.example/?k", "<https://wild.example/> `?k`"],
    ["https://a.ok.example/?k", "<https://a.ok.example/> `?k`"],
    ["https://user@seen.example/?k", "`https://user@seen.example/`"],
    ["https://seen.example\\@evil.example/?k", "`https://seen.example\\@evil.example/`"],
    [
      "https://seen.example/https://evil.example/?k",
      "`https://seen.example/https://evil.example/`",
    ],
    ["https://seen.example/x?k=1", "<https://seen.example/x> `?k=1`"],
    ["https://seen.example/x?y#z", "<https://seen.example/x> `?y#z`"],
    ["http://seen.example/x?y", "<http://seen.example/x> `?y`"],
    ["https://seen.example:8443/x?y", "<https://seen.example:8443/x> `?y`"],
    ["https://docs.example.org/?k", "<https://docs.example.org/> `?k`"],
    [
      "https://ok.example/?next=https://evil.example/?k",
      "<https://ok.example/> `?next=https[:]//evil.example/?k`",
    ],
    ["https://seen.example/?k=[redacted]x", "<https://seen.example/> `?k=[redacted]x`"],
    ["https://seen.example/[redacted]x", "`https://seen.example/[redacted]x`"],
    ["https://", "`https://`"],
    ["https://1.2.3.4/?k", "<https://1.2.3.4/> `?k`"],
    ["https://[::1]/?k", "`https://[::1]/`"],
    ["https://пример.example/а?k", "<https://xn--e1afmkfd.example/а> `?k`"],
    ["https://evil.example/a|b\u200bc?k", "<https://evil.example/a%7Cb%E2%80%8Bc> `?k`"],
    [`https://evil.example/${"x".repeat(300)}`, `\`https://evil.example/${"x".repeat(300)}\``],
    ["[a [b] c](https://evil.example/?k)", "[a [b] c](`https://evil.example/`)"],
    ["[a [b] c](<https://evil.example/>)", "[a [b] c]( `https://evil.example/`)"],
    ["a<https://evil.example/?k", "a<`https://evil.example/`"],
    [
      "[https://evil.example/?k](https://seen.example/)",
      "https[:]//evil.example/?k (<https://seen.example/>)",
    ],
    [
      "[https://seen.example/](https://evil.example/?k)",
      "https[:]//seen.example/ (<https://evil.example/> `?k`)",
    ],
  ];
  for (const [text, shown] of treated) {
    it(text, () => {
      assert.deepEqual(links.neutralize(text, "code"), { text: shown, found: 1 });
      assert.equal(links.hasUntrusted(shown), false);
    });
  }

  it("keeps a foreign link in brackets, and asks for no previews", () => {
    const text = "see <https://evil.example/p>";
    assert.deepEqual(links.neutralize(text, "code"), { text, found: 1 });
    assert.equal(links.hasUntrusted(text), false);
  });

  for (const before of ["\\", "<a", "[a [b]]("]) {
    it(`does not trust brackets behind ${before}`, () => {
      assert.equal(links.hasUntrusted(`${before}<https://evil.example/p>`), true);
    });
  }
});

describe("[SEC-R7] Links.neutralize() › written addresses whose host is not certain", () => {
  for (
    const address of ["https://user:pw@seen.example/x", "https://a\\b.example/", "https://[::1]/x"]
  ) {
    it(address, () => {
      const sources = [
        { written: [`see <${address}>`], linkHosts: [] },
        { written: [], isKnown: (one: string) => one === address, linkHosts: [] },
        { written: [], linkHosts: ["*"] },
      ];
      for (const source of sources) {
        for (const text of [address, `<${address}>`, `[words](${address})`]) {
          const shown = createLinks(source).neutralize(text, "code").text;
          assert.match(shown, /^(?:words \()?`https:/, text);
        }
      }
    });
  }
});

describe("[SEC-R7] Links.neutralize() › other spellings of a trusted URL", () => {
  const treated: readonly [text: string, code: string][] = [
    ["https://seen.example/secret/../x?y", "<https://seen.example/secret/../x> `?y`"],
    ["https://seen.example/./x?y", "<https://seen.example/./x> `?y`"],
    ["https://seen.example/secret/%2e%2e/x?y", "<https://seen.example/secret/%2e%2e/x> `?y`"],
    ["https://seen.example:443/x?y", "<https://seen.example:443/x> `?y`"],
    ["https://sEEn.eXample/x?y", "<https://sEEn.eXample/x> `?y`"],
    ["https://ｓeen.example/x?y", "<https://seen.example/x> `?y`"],
    ["https://BÜCHER.example/", "<https://xn--bcher-kva.example/>"],
    ["<https://seen.example/x?y!?!>", "<https://seen.example/x> `?y!?!`"],
    ["[words](https://seen.example/x?y!?!)", "words (<https://seen.example/x> `?y!?!`)"],
    ["https://seen.example/x?y!?_*~!!", "<https://seen.example/x?y>!?_*~!!"],
    ["https://seen.example/x?y.,.,;", "<https://seen.example/x?y>.,.,;"],
    ["**https://seen.example/x?y?!**", "**<https://seen.example/x?y>?!**"],
    ["https://seen.example/x?y\u3000secret", "<https://seen.example/x?y>\u3000secret"],
    ["https://seen.example/x?y\ufeffsecret", "<https://seen.example/x?y>\ufeffsecret"],
    ["**https://seen.example/x?y**\u3000secret", "**<https://seen.example/x?y>**\u3000secret"],
    ["https://seen.example/x?y<secret", "<https://seen.example/x?y><secret"],
    ["[](https://seen.example/x?y)secret", "<https://seen.example/x?y>secret"],
    ["[\u200b ](https://seen.example/x?y)secret", "<https://seen.example/x?y>secret"],
  ];
  for (const [text, code] of treated) {
    it(JSON.stringify(text), () => {
      for (const how of ["code", "plain"] as const) {
        const { text: changed, found } = links.neutralize(text, how);
        assert.equal(found, 1);
        assert.equal(links.hasUntrusted(changed), false);
        if (how === "code") assert.equal(changed, code);
      }
    });
  }
});

describe("[SEC-R7] Links.neutralize() › code", () => {
  const left = [
    "`curl https://evil.example/?k`",
    "``a ` https://evil.example/?k``",
    "```sh\ncurl https://evil.example/?k\n```",
    "**Bold** and `x`:\n```py\nx = {**a}  # https://evil.example/?k\n```",
    "a_b `https://evil.example/?k`",
  ];
  for (const text of left) {
    it(`keeps ${text}`, () => {
      assert.deepEqual(links.neutralize(text, "code"), { text, found: 0 });
    });
  }

  const none = [
    ["bold that ends within it", "**a `b** https://evil.example/?k `c"],
    ["bold that was begun anew", "**a *b** c* ```x*y https://evil.example/?k```"],
    ["an escaped mark", "\\`https://evil.example/?k`"],
    ["an escaped fence", "\\```https://evil.example/?k```"],
    ["a fence that Discord does not know", "~~~\nhttps://evil.example/?k\n~~~"],
    ["a fence that Discord ends sooner", "````\n```\nhttps://evil.example/?k\n```\n````"],
    ["a span over lines", "`a\nhttps://evil.example/?k`"],
    ["a link that begins before it", "[a `b](https://evil.example/?k) c`"],
  ] as const;
  for (const [name, text] of none) {
    it(`does not count as code: ${name}`, () => {
      assert.equal(links.neutralize(text, "code").found, 1);
      const { text: plain } = links.neutralize(text, "plain");
      assert.ok(!plain.includes("https://"), plain);
      assert.ok(!plain.includes("?k"), plain);
      assert.equal(links.hasUntrusted(plain), false);
    });
  }

  it("reports a result that still contains a link", () => {
    const { text } = links.neutralize("a ` b https://u@evil.example/?k", "code");
    assert.equal(links.hasUntrusted(text), true);
  });
});

describe("[SEC-R7] Links.neutralize() › plain", () => {
  it("forms no address with the text before or after it", () => {
    const cases = [
      "https:[//evil.example/?k](https://a.example)",
      "HTTPS:/[/evil.example/?k](https://a.example)",
      "<https://HTTPS:>//x",
      "<https://https>://x",
      "<https://htt>ps://x",
      "[](https://a:)//x",
    ];
    for (const text of cases) {
      assert.equal(links.hasUntrusted(links.neutralize(text, "plain").text), false);
    }
  });

  it("leaves no text that could be a foreign link, for any input", () => {
    const piece = fc.constantFrom(
      "https://",
      "http://",
      "htt",
      "ps://",
      "evil.example",
      "seen.example",
      "/?k",
      "#",
      "`",
      "```",
      "\n",
      " ",
      "[",
      "](",
      ")",
      "<",
      ">",
      "**",
      "\\",
      "@",
      "_",
      "HTTPS:",
      "//",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const { text } = links.neutralize(pieces.join(""), "plain");
        assert.equal(links.hasUntrusted(text), false, text);
        for (const [address] of text.matchAll(/https?:\/\/[^\s<>]*/gi)) {
          assert.match(address, /^https:\/\/seen\.example\/?[^a-z0-9/?#]*$/i);
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it("leaves its own output unchanged", () => {
    const once =
      links.neutralize("[a](https://evil.example/?k) https://evil.example#x", "plain").text;
    assert.deepEqual(links.neutralize(once, "plain"), { text: once, found: 0 });
  });
});
