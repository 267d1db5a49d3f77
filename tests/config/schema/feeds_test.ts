import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configOf, problemLines } from "../support.ts";

const FEED = { url: "https://x.example/feed", to: "channel:123456789012345678", model: false };
const withFeed = (keys: object, name = "news") =>
  JSON.stringify({
    channels: { discord: { dm: { policy: "allowlist" } } },
    feeds: { [name]: { ...FEED, ...keys } },
  });

describe("[T15] feeds", () => {
  it("has defaults, and the first account", async () => {
    const { feeds } = await configOf(withFeed({}));
    assert.deepEqual(feeds["news"], {
      ...FEED,
      account: "default",
      ownNetwork: false,
      template: "**{title}**\n{link}",
      everyMin: 30,
      most: 5,
      tools: [],
      perMinute: 6,
    });
  });

  const cases: readonly (readonly [what: string, text: string, told: RegExp])[] = [
    [
      "a place by name",
      withFeed({ to: "#general" }),
      /feeds\.news\.to: "#general" is not an id, and names are not accepted here/,
    ],
    ["a bare number", withFeed({ to: "123456789012345678" }), /may be a user or a channel/],
    ["no place", withFeed({ to: undefined }), /feeds\.news\.to/],
    ["no address", withFeed({ url: "jellyfin" }), /feeds\.news\.url/],
    ["another scheme", withFeed({ url: "ftp://x.example/feed" }), /feeds\.news\.url/],
    ["a password", withFeed({ url: "https://a:b@x.example/feed" }), /must not contain a password/],
    ["a model by name", withFeed({ model: "gpt" }), /feeds\.news\.model/],
    [
      "an unknown agent",
      withFeed({ model: true, agent: "nobody" }),
      /feeds\.news\.agent.*There is no agent "nobody"/s,
    ],
    [
      "an unknown placeholder",
      withFeed({ template: "{titel}" }),
      /Expected only the placeholders \{title\}, \{link\}/,
    ],
    ["an empty template", withFeed({ template: "" }), /feeds\.news\.template/],
    ["polls each minute", withFeed({ everyMin: 1 }), /feeds\.news\.everyMin/],
    ["too many posts", withFeed({ most: 100 }), /feeds\.news\.most/],
    ["a name with a blank", withFeed({}, "my news"), /Expected a name of A-Z/],
    [
      "an unknown account",
      withFeed({ account: "work" }),
      /warning feeds\.news\.account: There is no account "work", so the feed is never polled/,
    ],
    ["an unknown key", withFeed({ every: 5 }), /feeds\.news\.every/],
  ];
  for (const [what, text, told] of cases) {
    it(`tells ${what}`, async () => {
      assert.match((await problemLines(text)).join("\n"), told);
    });
  }
});
