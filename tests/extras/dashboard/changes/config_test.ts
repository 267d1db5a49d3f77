import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { RefusedChange } from "../../../../src/extras/dashboard/base/page.ts";
import type { DashboardParts } from "../../../../src/extras/dashboard/base/parts.ts";
import {
  editConfig,
  revisionOf,
  undoConfig,
} from "../../../../src/extras/dashboard/changes/config.tsx";
import { configPart } from "../../../../src/extras/dashboard/pages/config.tsx";
import { tempDirectory } from "../../../support/temp_directory.ts";

const TOKEN = "MTQwMDAwMDAwMDAwMDAwMDAwMQ.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789";
const FILE = `{
  // kept: ${TOKEN}
  "channels": { "discord": { "token": "${TOKEN}", "historyLimit": 20, "groupPolicy": "allowlist" } },
  "commands": { "ownerAllowFrom": ["123456789012345678"] }
}
`;
const STARS = "*".repeat(TOKEN.length);
const SHOWN = FILE.replaceAll(TOKEN, STARS);

/** A config file with the parts of a bot that reads it. */
function editing(text: string = FILE) {
  const directory = tempDirectory();
  const file = join(directory.path, "config.jsonc");
  writeFileSync(file, text, { mode: 0o600 });
  let reloads = 0;
  const parts = {
    configFile: file,
    env: {},
    clean: (text: string) => text.replaceAll("known-secret", "[redacted]"),
    reload: () => Promise.resolve(void (reloads += 1)),
    bot: { snapshot: () => ({ config: { revision: "r", loadedAt: 1 } }) },
  } as unknown as DashboardParts;
  return {
    file,
    parts,
    read: () => readFileSync(file, "utf8"),
    reloads: () => reloads,
    edit: (fields: object) => editConfig.run(parts, { revision: revisionOf(text), ...fields }),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

async function html(view: unknown): Promise<string> {
  return String(await view);
}

describe("[O6] the editor of the config", () => {
  it("shows what would change, writes it after that, and keeps secrets", async () => {
    using config = editing();
    const text = SHOWN.replace("20", "30");
    const first = await config.edit({ text });
    assert.equal(first.text, "1 change; nothing is written yet");
    const [, confirmed = ""] = /name="confirmed" value="(\w+)"/.exec(await html(first.view)) ?? [];
    assert.match(await html(first.view), /channels\.discord\.historyLimit<\/code>.*20.*30.*now/s);
    assert.equal(config.read(), FILE);
    const second = await config.edit({ text, confirmed });
    assert.equal(second.text, "Written, and the bot has taken it");
    assert.equal(config.read(), FILE.replace("20", "30"));
    assert.equal(config.reloads(), 1);
    assert.ok(!JSON.stringify([first, second, await html(second.view)]).includes("MTQw"));
  });

  it("writes no other text than the one whose changes were shown", async () => {
    using config = editing();
    const { view } = await config.edit({ text: SHOWN.replace("20", "30") });
    const [, confirmed = ""] = /value="(\w+)"/.exec(await html(view)) ?? [];
    const other = await config.edit({ text: SHOWN.replace("20", "40"), confirmed });
    assert.equal(other.text, "1 change; nothing is written yet");
    assert.equal(config.read(), FILE);
  });

  it("says that only comments change, or nothing", async () => {
    using config = editing();
    assert.equal((await config.edit({ text: SHOWN })).text, "Nothing has changed");
    const { text } = await config.edit({ text: SHOWN.replace("// kept", "// still") });
    assert.equal(text, "Only comments or layout change; nothing is written yet");
  });

  const wrong: readonly (readonly [string, string, string, RegExp])[] = [
    ["a wrong value", SHOWN.replace("20", "-1"), "Nothing was written: 1 error", /Line 3:\d+.*-1/s],
    [
      "an unknown key",
      SHOWN.replace("historyLimit", "histroyLimit"),
      "Nothing was written: 1 error",
      /historyLimit/,
    ],
    [
      "a syntax error",
      SHOWN.replace('"commands"', "commands"),
      "Nothing was written: 1 error",
      /Line 4/,
    ],
    ["an empty text", "", "Nothing was written: 1 error", /empty/],
    ["no object", "[]", "Nothing was written: 1 error", /braces/],
    ["a text that is no config", "x".repeat(9_999), "Nothing was written: 1 error", /Line 1/],
    [
      "a moved secret",
      SHOWN.replace(`"token": "${STARS}"`, `"accounts": { "a": { "token": "${STARS}" } }`),
      "Nothing was written: 1 error",
      /This secret is blank, and the file has no such secret here/,
    ],
    [
      "stars as a secret",
      SHOWN.replace(`"${STARS}"`, '"***"'),
      "Nothing was written: 1 error",
      /This secret is blank/,
    ],
    [
      "an owner",
      SHOWN.replace("123456789012345678", "123456789012345679"),
      "Nothing was written: some of it changes on the terminal only",
      /Owners: changed on the terminal only.*barnacle config set commands\.ownerAllowFrom/s,
    ],
    [
      "commands on the host",
      SHOWN.replace('"commands"', '"exec": { "mode": "full" }, "commands"'),
      "Nothing was written: some of it changes on the terminal only",
      /exec\.mode/,
    ],
    [
      "an MCP server",
      SHOWN.replace('"commands"', '"mcp": { "servers": { "x": { "command": "sh" } } }, "commands"'),
      "Nothing was written: some of it changes on the terminal only",
      /mcp\.servers\.x/,
    ],
    [
      "an address",
      SHOWN.replace(
        '"commands"',
        '"models": { "providers": { "x": { "kind": "anthropic", "baseUrl": "http://evil" } } }, ' +
          '"commands"',
      ),
      "Nothing was written: some of it changes on the terminal only",
      /baseUrl/,
    ],
  ];
  for (const [what, text, said, shown] of wrong) {
    it(`refuses ${what}`, async () => {
      using config = editing();
      const result = await config.edit({ text, confirmed: revisionOf(text) });
      const view = await html(result.view);
      assert.equal(result.text, said);
      assert.match(view, shown);
      assert.ok(!view.includes("MTQw") && !view.includes("at file:"), view);
      assert.equal(config.read(), FILE);
      assert.equal(config.reloads(), 0);
    });
  }

  const refused:
    readonly (readonly [string, (config: ReturnType<typeof editing>) => unknown, string])[] = [
      [
        "a stale form",
        (config) => config.edit({ text: SHOWN, revision: "0" }),
        "The file has changed since this page was loaded; nothing was written. Copy your text, and " +
        "load the page again",
      ],
      ["a file that is gone", (config) => {
        const parts = { ...config.parts, configFile: `${config.file}.gone` };
        return editConfig.run(parts, { text: SHOWN, revision: "0" });
      }, "The config file does not exist any more"],
      [
        "a bot without a file",
        (config) =>
          editConfig.run({ ...config.parts, configFile: undefined }, { text: "{}", revision: "0" }),
        "The bot runs without a config file; `barnacle config set` makes one",
      ],
      [
        "no previous file",
        (config) => undoConfig.run(config.parts, { revision: revisionOf(FILE) }),
        "The previous file cannot be read: there is no such file",
      ],
    ];
  for (const [what, run, words] of refused) {
    it(`refuses ${what}`, async () => {
      using config = editing();
      await assert.rejects(async () => await run(config), (error) => {
        assert.ok(error instanceof RefusedChange);
        assert.equal(error.message, words);
        return true;
      });
      assert.equal(config.read(), FILE);
    });
  }

  for (
    const [what, fields] of Object.entries({
      "no fields": {},
      "no text": { revision: "1" },
      "a list": [],
      "a word": "text",
      "nothing": undefined,
      "another field": { text: "{}", revision: "1", more: "1" },
      "a number": { text: 1, revision: "1" },
    })
  ) {
    it(`refuses a form with ${what}`, async () => {
      using config = editing();
      await assert.rejects(async () => await editConfig.run(config.parts, fields), RefusedChange);
    });
  }

  it("puts the previous file back, also behind a link", async () => {
    using config = editing();
    const folder = join(config.file, "..", "real");
    mkdirSync(folder);
    const [real, link] = [join(folder, "config.jsonc"), join(config.file, "..", "link.jsonc")];
    writeFileSync(real, FILE, { mode: 0o600 });
    writeFileSync(`${real}.bak`, FILE.replace("20", "10"));
    symlinkSync(real, link);
    const parts = { ...config.parts, configFile: link };
    const first = await undoConfig.run(parts, { revision: revisionOf(FILE) });
    assert.equal(first.text, "1 change; nothing is written yet");
    const [, confirmed = ""] = /value="(\w+)"/.exec(await html(first.view)) ?? [];
    await undoConfig.run(parts, { revision: revisionOf(FILE), confirmed });
    assert.equal(readFileSync(real, "utf8"), FILE.replace("20", "10"));
    assert.equal(readFileSync(`${real}.bak`, "utf8"), FILE);
  });

  it("does not put back a previous file with another owner", async () => {
    using config = editing();
    writeFileSync(`${config.file}.bak`, FILE.replace("12345678901234567", "92345678901234567"));
    const { text } = await undoConfig.run(config.parts, { revision: revisionOf(FILE) });
    assert.equal(text, "Nothing was written: some of it changes on the terminal only");
  });
});

describe("[O6] the page Settings", () => {
  const query = (text: string) => new URLSearchParams(text);

  it("shows a broken file without its secrets, and no editor", async () => {
    using config = editing(`{ "channels": { "discord": { "token": "${TOKEN}", } `);
    const view = await html(await configPart.render(config.parts, query("")));
    assert.match(view, /not valid/);
    assert.match(view, /correct the file on the terminal/);
    assert.ok(!view.includes("MTQw") && !view.includes("<textarea"));
  });

  it("shows the words of a person and of the file as text", async () => {
    using config = editing('{ "agents": { "list": [{ "name": "</textarea><script>" }] } }');
    const search = "search=%3Cimg%20src%3Dx%3E";
    const view = await html(await configPart.render(config.parts, query(search)));
    assert.match(view, /&lt;\/textarea&gt;&lt;script&gt;/);
    assert.ok(!view.includes("<script") && !view.includes("<img"));
    assert.match(view, /No key has these words/);
  });

  it("has no editor for a file with a secret that it cannot keep", async () => {
    using config = editing('{ "agents": { "list": [{ "name": "known-secret" }] } }');
    const view = await html(await configPart.render(config.parts, query("")));
    assert.match(view, /the text of a secret at a key that is for none/);
  });

  it("has no editor for a file that is too large for a request", async () => {
    using config = editing(`{ // ${"x".repeat(70_000)}\n }`);
    const view = await html(await configPart.render(config.parts, query("")));
    assert.match(view, /too large to change it here/);
  });
});
