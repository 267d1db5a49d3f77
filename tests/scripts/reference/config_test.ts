import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configurationPage, taskPages } from "../../../scripts/reference/config_page.ts";
import { allKeys, anchorOf, docsOf } from "../../../src/config/keys/find_keys.ts";

/** All pages of the reference, by their paths in `docs/`. */
const PAGES: Readonly<Record<string, string>> = {
  "configuration.md": configurationPage(),
  ...taskPages(),
};

const TASK_TEXT = Object.values(taskPages()).join("\n");

/** The entry of a key on its page, from its heading to the next one. */
function entryOf(path: string): string {
  const [, rest] = TASK_TEXT.split(`### \`${path}\`\n`);
  assert.ok(rest !== undefined, path);
  return rest.split(/^#{1,3} /m)[0] ?? "";
}

describe("[C4] configurationPage()", () => {
  it("shows values, default, unit and example, and no effect of a change that applies live", () => {
    assert.equal(
      entryOf("channels.discord.textChunkLimit").trim(),
      [
        "Maximum length of one message. Barnacle splits longer replies.",
        "",
        "- Values: a whole number from 100 to 2000; default: `2000`; unit: characters (UTF-16 code units)",
        '- Example: `"textChunkLimit": 1900`',
      ].join("\n"),
    );
  });

  const LINES: readonly (readonly [path: string, line: string])[] = [
    [
      "channels.discord.token",
      "; default: `DISCORD_BOT_TOKEN` of the environment, for the account `default`",
    ],
    ["channels.discord.token", "- A change: the account reconnects"],
    ["http.port", "- A change: needs a restart"],
    ["store.retention.contextDays", "- A change: needs a restart"],
    ["agents.list[].id", "; default: required"],
    ["agents.defaults.model.primary", "; default: required"],
    ["models.providers.<provider>.apiKey", '- Values: `{ "file": "name" }`, or a text in quotes'],
    [
      "channels.discord.guilds.<guild>.channels.<channel>.requireMention",
      "; default: the guild's `requireMention`",
    ],
    ["channels.discord.gateway.intents", '"direct_message_polls" or "reactions"'],
  ];
  for (const [path, line] of LINES) {
    it(`says of ${path}: ${line}`, () => {
      assert.ok(
        entryOf(path).replaceAll('`"', '"').replaceAll('"`', '"').includes(
          line.replaceAll('`"', '"').replaceAll('"`', '"'),
        ),
      );
    });
  }

  it("starts with links to about ten usual keys", () => {
    const [, list = ""] = configurationPage().split("## Usual keys\n");
    const links = Array.from(
      (list.split("\n## ")[0] ?? "").matchAll(
        /^- \[`(.+)`\]\(configuration\/\w+\.md#(\w+)\): .+\.$/gm,
      ),
      ([, path = "", anchor = ""]) => ({ path, anchor }),
    );
    assert.ok(links.length >= 8 && links.length <= 16, `${links.length} keys`);
    for (const { path, anchor } of links) {
      assert.ok(entryOf(path), path);
      assert.equal(anchor, path.toLowerCase().replaceAll(".", ""));
    }
  });

  it("has every key once, in full or by the section that has the same", () => {
    for (const { path, isSection } of allKeys()) {
      const inFull = TASK_TEXT.split(`### \`${path}\`\n`).length - 1;
      const count = inFull + TASK_TEXT.split(`<a id="${anchorOf(path)}"></a>`).length - 1;
      assert.equal(count, isSection ? 0 : 1, path);
    }
  });

  it("has a heading where each link to a key leads", () => {
    for (const key of allKeys()) {
      const [page = "", anchor] = docsOf(key).split("#");
      const text = PAGES[page];
      assert.ok(text !== undefined, key.path);
      if (anchor !== undefined) assert.ok(anchorsIn(text).includes(anchor), key.path);
    }
  });

  it("has no anchor twice on a page, and no link to nowhere", () => {
    for (const [page, text] of Object.entries(PAGES)) {
      const anchors = anchorsIn(text);
      assert.deepEqual(anchors.filter((one, at) => anchors.indexOf(one) !== at), [], page);
      const links = Array.from(text.matchAll(/\]\(#([\w-]+)\)/g), ([, anchor = ""]) => anchor);
      assert.deepEqual(links.filter((anchor) => !anchors.includes(anchor)), [], page);
    }
  });
});

/** The anchors of a page: those of headings, and written ones. */
function anchorsIn(text: string): readonly string[] {
  return [
    ...Array.from(text.matchAll(/^#{1,3} (.+)$/gm), ([, heading = ""]) => anchorOf(heading)),
    ...Array.from(text.matchAll(/<a id="([\w-]+)">/g), ([, anchor = ""]) => anchor),
  ];
}
