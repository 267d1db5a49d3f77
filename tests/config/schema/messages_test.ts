import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configOf, load, problemLines } from "../support.ts";

describe("[R9] messages.linkHosts", () => {
  it("takes hosts, and all subdomains of one", async () => {
    const hosts = ["example.org", "*.example.org", "*"];
    const config = await configOf(`{ "messages": { "linkHosts": ${JSON.stringify(hosts)} } }`);
    assert.deepEqual(config.messages.linkHosts, hosts);
  });

  for (const host of ["https://example.org", "example.org/x", "a.*.org", "", "example.org:80"]) {
    it(`refuses ${JSON.stringify(host)}`, async () => {
      const found = await problemLines(
        `{ "messages": { "linkHosts": [${JSON.stringify(host)}] } }`,
      );
      assert.match(found.join("\n"), /messages\.linkHosts.*Expected a host/);
    });
  }
});

describe("[R7] messages.ackReaction", () => {
  for (const emoji of ["👀", "❤", "❤️", "👍🏽", "🏳️‍🌈", "🇩🇪", "<:krill:123456789012345678>"]) {
    it(`may be ${emoji}`, async () => {
      const config = await configOf(`{ "messages": { "ackReaction": "${emoji}" } }`);
      assert.equal(config.messages.ackReaction, emoji);
    });
  }

  it("may be empty", async () => {
    const config = await configOf('{ "messages": { "ackReaction": "" } }');
    assert.equal(config.messages.ackReaction, undefined);
  });

  for (const other of ["eyes", ":eyes:", "👀👀", "..", " ", "<:krill:1>", "\\ud83d", "1"]) {
    it(`may not be ${other}`, async () => {
      const found = await problemLines(`{ "messages": { "ackReaction": "${other}" } }`);
      assert.match(found.join("\n"), /error messages\.ackReaction: Expected one emoji/);
    });
  }
});

describe("[K1] messages.commands", () => {
  const cases: readonly [command: string, words: object, expected: RegExp | undefined][] = [
    [
      "new",
      { name: { de: "neu", "es-419": "nuevo", th: "ใหม่", hi: "नया", ja: "新しい" } },
      undefined,
    ],
    ["new", { name: { de: "neu_2-x" }, description: { "pt-BR": "Uma Conversa nova" } }, undefined],
    ["Remind me", { name: { de: "Erinnere mich" } }, undefined],
    ["new", { name: { fr: "l'aide" } }, undefined],
    ["new", { name: { de: "Neu" } }, /new\.name\.de: Expected a word of small letters/],
    ["new", { name: { de: "neu es" } }, /new\.name\.de: Expected a word of small letters/],
    ["new", { name: { de: "neu!" } }, /new\.name\.de: Expected a word of small letters/],
    ["new", { name: { de: "n".repeat(33) } }, /new\.name\.de/],
    ["new", { name: { "de-DE": "neu" } }, /no key "de-DE" here.*did you mean "de"/],
    ["new", { description: { "pt": "x" } }, /There is no key "pt" here/],
    ["nwe", { name: { de: "neu" } }, /no key "nwe" here.*did you mean "new"/],
    ["/new", { name: { de: "neu" } }, /There is no key "\/new" here/],
    ["Remind me", { name: { de: " x " } }, /Remind me/],
  ];
  for (const [command, words, expected] of cases) {
    it(`${expected ? "refuses" : "takes"} ${command}: ${JSON.stringify(words)}`, async () => {
      const text = JSON.stringify({ messages: { commands: { [command]: words } } });
      const { problems } = await load(text);
      const found = problems.filter(({ path }) => path.startsWith("messages.commands"))
        .map(({ path, message, hint = "" }) => `${path}: ${message}; ${hint}`);
      if (expected) assert.match(found.join("\n"), expected);
      else assert.deepEqual(found, []);
    });
  }

  it("refuses a name that two commands have in a locale", async () => {
    const commands = {
      new: { name: { de: "hilfe", fr: "x" } },
      help: { name: { de: "hilfe", hi: "x" } },
    };
    const { problems } = await load(JSON.stringify({ messages: { commands } }));
    assert.deepEqual(problems.map(({ path, message }) => `${path}: ${message}`), [
      'messages.commands.help.name.de: Expected a name that `new` does not have, found "hilfe"',
    ]);
  });
});
