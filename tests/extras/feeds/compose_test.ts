import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FeedEntry } from "../../../src/core/feed.ts";
import { composeFeedNews } from "../../../src/extras/feeds/compose.ts";
import { ACCOUNT, channelId } from "../../support/discord/builders.ts";

const RULES = {
  chunks: { limit: 2_000, maxLines: 99, mode: "length", maxChunks: 3 },
  tables: "code",
  maxFileBytes: 0,
  cleanSecrets: (text: string) => text.replaceAll("hunter2", "[redacted]"),
  texts: {},
} as const;
const ENTRY: FeedEntry = {
  key: "k",
  wordsKey: "w",
  areWordsEnough: false,
  sharesKey: false,
  title: "T",
  link: "https://x.example/a_b",
  summary: "",
};

function shown(template: string, entry: Partial<FeedEntry> = {}, feedTitle?: string) {
  const place = { accountId: ACCOUNT, channelId: channelId("300000000000000001") };
  const feed = { ...place, name: "f", url: "https://x.example/feed", template };
  return composeFeedNews(feed, { kind: "entry", entry: { ...ENTRY, ...entry }, feedTitle }, RULES)
    .map(({ message }) => message);
}

describe("[T15] composeFeedNews()", () => {
  const cases: readonly (readonly [string, string, Partial<FeedEntry>, string])[] = [
    ["fills in the parts", "**{title}**\n{link}", {}, "**T**\nhttps://x.example/a_b"],
    ["leaves out a line without parts", "{title}\nby {author}\n{link}", { link: undefined }, "T"],
    ["pings no one", "{title}", { title: "@everyone <@5>" }, "\\@everyone \\<\\@5\\>"],
    ["shows markup as it is", "{title}", { title: "**a** [b](c)" }, "\\*\\*a\\*\\* \\[b\\](c)"],
    [
      "has no link in a title",
      "{title}",
      { title: "see http://e.example" },
      "see http\\:/\u200b/e.example",
    ],
    [
      "has no other link in a link",
      "[{title}]({link})",
      { link: "https://x.example/a)[evil](https://y.example)" },
      "[T](https://x.example/a%29[evil]%28https://y.example%29)",
    ],
    ["turns no words", "{title}", { title: "a\u202eb" }, "ab"],
    ["is no list", "{summary}", { summary: "1. one\n- two" }, "1\\. one\n\\- two"],
    ["takes secrets out", "{title}", { title: "hunter2" }, "[redacted]"],
    [
      "has words of the summary for a missing title",
      "{title}",
      { title: "", summary: "[A](x) b" },
      "A b",
    ],
  ];
  for (const [what, template, entry, text] of cases) {
    it(what, () => {
      const [message] = shown(template, entry);
      assert.equal(message?.content, text);
      assert.deepEqual(message?.pings, { users: [], roles: [], quotedAuthor: false });
    });
  }

  it("has the same nonce for the same entry, and another one for another", () => {
    const nonce = (entry?: Partial<FeedEntry>) => shown("{title}", entry)[0]?.nonce;
    assert.equal(nonce(), nonce({ title: "edited" }));
    assert.notEqual(nonce(), nonce({ key: "other" }));
  });
});
