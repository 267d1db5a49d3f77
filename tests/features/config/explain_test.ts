import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { explain, listSections } from "../../../src/features/config/explain.ts";
import { createDataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";

afterEach(removeDataFixtures);

const CONFIG = `{
  "channels": { "discord": {
    "token": "MTIz.canary.token",
    "historyLimit": 30,
    "guilds": {
      "my guild": { "users": ["grace"] },
      "friends": {}
    },
    "accounts": { "work": { "token": "\${WORK}", "historyLimit": 5 } }
  } }
}
`;

async function ask(query: string, json = false, config: string = CONFIG) {
  const fixture = createDataFixture(config);
  const io = recordingIo();
  const code = await explain({ config: fixture.config, json }, query, io);
  const shown = (lines: readonly string[]) => lines.join("\n").replaceAll(fixture.config, "FILE");
  return { code, text: shown(io.stdout), errors: shown(io.stderr) };
}

describe("[C4] barnacle config explain", () => {
  it("tells values, default, unit, example, places and values that apply, with no address: the text is whole", async () => {
    const { code, text } = await ask("channels.discord.historyLimit");
    assert.equal(code, 0);
    for (
      const line of [
        /^channels\.discord\.historyLimit$/,
        /^ {2}Maximum number of recent channel messages/,
        /^ {2}values +a whole number from 0 to 500$/,
        /^ {2}unit +messages$/,
        /^ {2}default +.*else `20`$/,
        /^ {2}example +"historyLimit": 50$/,
        /^ {2}a change +applies live$/,
        /^ {2}in your config +channels\.discord\.historyLimit: 30 \(FILE:4\)$/,
        /^ {2}in your config +channels\.discord\.accounts\.work\.historyLimit: 5 \(FILE:9\)$/,
      ]
    ) assert.ok(text.split("\n").some((one) => line.test(one)), `${line}\n${text}`);
    assert.doesNotMatch(text, /https:/);
  });

  it("shows one place if the path names it, else all", async () => {
    const { text } = await ask('channels.discord.guilds."my guild".users');
    assert.match(text, /"my guild"\.users: \["grace"\] \(FILE:6\)$/m);
    assert.doesNotMatch(text, /friends/);
    const all = await ask("channels.discord.guilds.<guild>.users");
    assert.match(all.text, /friends\.users: not set$/m);
    assert.match(all.text, /"my guild"\.users: /);
  });

  it("tells of a section what each key below it does, and no default of its own", async () => {
    const { text } = await ask("store.retention");
    assert.match(text, /^ {2}store\.retention\.decisionsDays +How long to keep decisions/m);
    assert.doesNotMatch(text, /^ {2}default /m);
  });

  it("lists the sections without a key", () => {
    const io = recordingIo();
    assert.equal(listSections({ config: undefined, json: false }, io), 0);
    assert.ok(io.stdout.some((line) => /^store +\S/.test(line)), io.stdout.join("\n"));
    assert.ok(!io.stdout.some((line) => line.startsWith("store.")));
    assert.match(io.stderr.join("\n"), /`barnacle config explain <path, or words>` explains one/);
    const asJson = recordingIo();
    listSections({ config: undefined, json: true }, asJson);
    assert.ok(JSON.parse(asJson.stdout.join("")).found.length > 10);
  });

  it("shows defaults that apply", async () => {
    assert.match((await ask("http.port")).text, /http\.port: 8787 \(not set: the default/);
  });

  it("[C8] shows no secret, also as JSON", async () => {
    for (const json of [false, true]) {
      const { text, errors } = await ask("channels.discord.token", json);
      assert.doesNotMatch(text + errors, /canary/);
      assert.match(text, /\[redacted\]/);
    }
  });

  it("lists keys of the same name, and keys that a query with mistakes may mean", async () => {
    const { code, text, errors } = await ask("historyLimit");
    assert.equal(code, 0);
    assert.match(text, /^channels\.discord\.historyLimit +Maximum number/);
    assert.match(errors, /^\d keys; `barnacle config explain <path>` explains one\.$/m);
    const wrong = await ask("histroyLimit");
    assert.match(wrong.errors, /^No key is like "histroyLimit"; these are like historyLimit:/);
    assert.equal(wrong.text, text);
    assert.match((await ask("dm.polcy")).errors, /is like dm\.policy:/);
    const unknown = await ask("http.required");
    assert.match(unknown.errors, /^No key is like "http\.required"; this one is like http:/);
    assert.match(unknown.text, /^http\n[^]* http\.token /);
    assert.equal(
      JSON.parse((await ask("historyLimit", true)).text).found[0].default.length > 0,
      true,
    );
  });

  it("explains a key although the config is wrong, and names the error", async () => {
    const { code, text, errors } = await ask("http.port", false, '{ "http": { "port": "x" } }');
    assert.equal(code, 0);
    assert.match(errors, /FILE:1:\d+: error: /);
    assert.match(text, /^http\.port$/m);
    assert.doesNotMatch(text, /in your config/);
  });

  const wrong = ["", ".", "qqqqqqqqqq", "\u001b[31m", '"'] as const;
  for (const query of wrong) {
    it(`says that no key is like ${JSON.stringify(query)}`, async () => {
      const { code, text, errors } = await ask(query);
      assert.equal(code, 1);
      assert.equal(text, "");
      assert.match(
        errors,
        /^barnacle: no key of the config is like .*; `barnacle config explain` lists/,
      );
      assert.ok(!errors.includes("\u001b"));
      assert.deepEqual(JSON.parse((await ask(query, true)).text), { query, found: [] });
    });
  }
});
