import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { feedOf } from "../../src/web/feed_entries.ts";

const URL_OF_FEED = "https://feeds.example/all.xml";
const rss = (items: string) =>
  `<rss version="2.0"><channel><title>Tides</title>${items}</channel></rss>`;

describe("[T15] feedOf()", () => {
  it("reads RSS, the newest entry last", () => {
    const { title, entries } = feedOf(
      rss(`<item><title>Low &amp; slow</title><link>https://t.example/2</link>
             <guid isPermaLink="false">two</guid><pubDate>Mon, 05 Jan 2026 10:00:00 GMT</pubDate>
             <description><![CDATA[<p>It is <b>low</b>.</p>]]></description></item>
           <item><title>High</title><guid>https://t.example/1</guid>
             <pubDate>Mon, 05 Jan 2026 04:00:00 GMT</pubDate></item>`),
      URL_OF_FEED,
    );
    assert.equal(title, "Tides");
    const shown = entries.map((
      { key: _, wordsKey: __, areWordsEnough: ___, sharesKey: ____, ...entry },
    ) => entry);
    assert.deepEqual(shown, [
      {
        title: "High",
        link: "https://t.example/1",
        summary: "",
        author: undefined,
        publishedAt: Date.UTC(2026, 0, 5, 4),
      },
      {
        title: "Low & slow",
        link: "https://t.example/2",
        summary: "It is low.",
        author: undefined,
        publishedAt: Date.UTC(2026, 0, 5, 10),
      },
    ]);
  });

  it("reads Atom with addresses relative to the feed, and HTML in titles", () => {
    const { entries: [entry] } = feedOf(
      `<feed xmlns="http://www.w3.org/2005/Atom"><title>R</title><id>f</id>
         <entry><title type="html">v1 &lt;i&gt;is&lt;/i&gt; out</title><id>tag:1</id>
           <link rel="alternate" href="/v1"/><updated>2026-01-05T00:00:00Z</updated>
           <author><name>Ada</name></author><content type="html">&lt;p&gt;New&lt;/p&gt;</content>
         </entry></feed>`,
      URL_OF_FEED,
    );
    assert.equal(entry?.title, "v1 is out");
    assert.equal(entry?.link, "https://feeds.example/v1");
    assert.equal(entry?.author, "Ada");
    assert.equal(entry?.summary, "New");
  });

  it("reads JSON Feed and RDF", () => {
    const json = feedOf(
      JSON.stringify({
        version: "https://jsonfeed.org/version/1.1",
        title: "J",
        items: [{ id: "1", url: "https://x.example/j", title: "J1", content_text: "c" }],
      }),
      URL_OF_FEED,
    );
    assert.equal(json.entries[0]?.summary, "c");
    const rdf = feedOf(
      `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
         <channel rdf:about="x"><title>D</title></channel>
         <item rdf:about="https://x.example/r"><title>R1</title><link>https://x.example/r</link></item>
       </rdf:RDF>`,
      URL_OF_FEED,
    );
    assert.equal(rdf.entries[0]?.link, "https://x.example/r");
  });

  it("keeps the key of an entry whose words change, and tells entries without ids apart", () => {
    const keyOf = (items: string) => feedOf(rss(items), URL_OF_FEED).entries.map(({ key }) => key);
    const [before] = keyOf("<item><guid>1</guid><title>a</title></item>");
    assert.deepEqual(keyOf("<item><guid>1</guid><title>b</title></item>"), [before]);
    assert.equal(
      new Set(keyOf("<item><title>a</title></item><item><title>b</title></item>")).size,
      2,
    );
    assert.equal(keyOf("<item><title>a</title></item><item><title>a</title></item>").length, 1);
  });

  const links: readonly (readonly [written: string, link: string | undefined])[] = [
    ["javascript:alert(1)", undefined],
    ["file:///etc/passwd", undefined],
    ["https://[", undefined],
    [`https://x.example/${"a".repeat(1_001)}`, undefined],
    ["//cdn.example/x", "https://cdn.example/x"],
  ];
  for (const [written, link] of links) {
    it(`${written.slice(0, 40)} › ${link ?? "no link"}`, () => {
      const { entries: [entry] } = feedOf(
        rss(`<item><guid isPermaLink="false">1</guid><link>${written}</link></item>`),
        URL_OF_FEED,
      );
      assert.equal(entry?.link, link);
    });
  }

  for (const bad of ["", "hello", "<html><body>no</body></html>", "<rss>", "{}", "\u0000"]) {
    it(`refuses ${JSON.stringify(bad)}`, () => {
      assert.throws(() => feedOf(bad, URL_OF_FEED), /Unrecognized/);
    });
  }

  it("has a second key by title, address and time, and no characters that hide others", () => {
    const rss = (guid: string, title = "T\u0000\u0007 x") =>
      feedOf(
        `<rss version="2.0"><channel><title>F</title><item><guid>${guid}</guid><title>${title}</title>` +
          "<link>https://x.example/1</link><pubDate>Mon, 23 Nov 2026 10:00:00 GMT</pubDate></item>" +
          "</channel></rss>",
        "https://x.example/feed",
      ).entries[0];
    const [one, other] = [rss("1"), rss("2")];
    assert.notEqual(one?.key, other?.key);
    assert.equal(one?.wordsKey, other?.wordsKey);
    assert.notEqual(one?.wordsKey, rss("1", "U")?.wordsKey);
    assert.equal(one?.areWordsEnough, true);
    assert.equal(one?.title, "T x");
    const bare = "<rss version='2.0'><channel><item><guid>7</guid></item></channel></rss>";
    const [entry] = feedOf(bare, "https://x.example/feed").entries;
    assert.deepEqual([entry?.link, entry?.areWordsEnough], [undefined, false]);
  });

  it("reads the newest 100 of many, wherever they are, and the keys of 900 older ones", () => {
    const item = (at: number) =>
      `<item><guid>g${at}</guid><pubDate>${new Date(at * 1_000).toUTCString()}</pubDate></item>`;
    const numbers = Array.from({ length: 10_000 }, (_, at) => at);
    for (const order of [numbers, numbers.toReversed()]) {
      const { entries, olderKeys = [] } = feedOf(rss(order.map(item).join("")), URL_OF_FEED);
      assert.deepEqual(
        entries.map(({ publishedAt }) => Number(publishedAt) / 1_000),
        numbers.slice(-100),
      );
      const [next] = feedOf(rss(item(9_899)), URL_OF_FEED).entries;
      assert.deepEqual([olderKeys.length, olderKeys.at(-1)], [900, next?.key]);
    }
    const undated = rss(numbers.map((at) => `<item><guid>g${at}</guid></item>`).join(""));
    const { entries, olderKeys = [] } = feedOf(undated, URL_OF_FEED);
    const [first] = feedOf(rss("<item><guid>g0</guid></item>"), URL_OF_FEED).entries;
    assert.deepEqual([entries.length, entries.at(-1)?.key], [100, first?.key]);
    assert.equal(new Set([...olderKeys, ...entries.map(({ key }) => key)]).size, 1_000);
  });

  /** Entries with one id, or without ids and with one address. */
  const shared: readonly (readonly [what: string, items: string, titles: readonly string[]])[] = [
    [
      "one id, other titles",
      `${
        "<item><guid>1</guid><title>b</title></item>".repeat(200)
      }<item><guid>1</guid><title>a</title></item>`,
      ["b"], // "a" is older than a hundred others
    ],
    [
      "one id, another title",
      "<item><guid>1</guid><title>b</title></item><item><guid>1</guid><title>a</title></item>",
      ["a", "b"],
    ],
    [
      "one id, another time",
      `<item><guid>1</guid><title>a</title><pubDate>Tue, 06 Jan 2026 04:00:00 GMT</pubDate></item>
       <item><guid>1</guid><title>a</title><pubDate>Mon, 05 Jan 2026 04:00:00 GMT</pubDate></item>`,
      ["a", "a"],
    ],
    [
      "one id, no titles",
      `<item><guid>1</guid><description>b</description></item>
       <item><guid>1</guid><description>a</description></item>`,
      ["", ""],
    ],
    [
      "one id and the same words",
      "<item><guid>1</guid><title>a</title></item>".repeat(3),
      ["a"],
    ],
    [
      "no ids, one address",
      `<item><title>b</title><link>https://x.example/</link></item>
       <item><title>a</title><link>https://x.example/</link></item>`,
      ["a", "b"],
    ],
  ];
  for (const [what, items, titles] of shared) {
    it(`takes entries as one if their id and their words are the same: ${what}`, () => {
      const { entries } = feedOf(rss(items), URL_OF_FEED);
      assert.deepEqual(entries.map(({ title }) => title), titles);
      assert.equal(new Set(entries.map(({ wordsKey }) => wordsKey)).size, titles.length);
    });
  }

  it("knows older entries of one id by their words", () => {
    const item = (at: number) => `<item><guid>1</guid><title>t${at}</title></item>`;
    const many = Array.from({ length: 150 }, (_, at) => item(150 - at)).join("");
    const { entries, olderKeys = [] } = feedOf(rss(many), URL_OF_FEED);
    const [old] = feedOf(rss(item(1)), URL_OF_FEED).entries;
    assert.deepEqual([entries.length, olderKeys.length], [100, 50]);
    assert.equal(olderKeys[0], old?.wordsKey);
  });

  it("replaces no entities that the feed declares, and bounds texts and entries", () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "${"lol".repeat(1_000)}"><!ENTITY b "&a;&a;">]>`;
    const many = Array.from({ length: 500 }, (_, at) => `<item><guid>g${at}</guid></item>`).join(
      "",
    );
    const first = `<item><guid>x</guid><title>&b;</title></item>`;
    const long = `<item><guid>y</guid><title>${"t".repeat(5_000)}</title></item>`;
    const { entries } = feedOf(`${bomb}${rss(first + long + many)}`, URL_OF_FEED);
    assert.equal(entries.length, 100);
    assert.ok(entries.every(({ title }) => title.length <= 300));
  });
});
