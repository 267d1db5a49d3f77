import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { loadedOf, rendered } from "../support.ts";

const textOf = async (text: string): Promise<string> => (await loadedOf(text)).text ?? "";

describe("[C8] the text of a config without its secrets", () => {
  it("has every secret blanked letter by letter, and no other change", async () => {
    const text = `{ // was MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe
  "channels": { "discord": { "token": "hunter2\\u0021", "dm": { "enabled": false },
    "guilds": { "a": { "slug": "Abc123Abc123Abc123Abc123" } },
    "accounts": { "b": { "token": "hunter3", "pluralkit": { "token": "hunter4" } } } } },
  "models": { "providers": { "x": { "kind": "anthropic", "apiKey": "hunter5",
    "headers": { "h": "hunter6" } } } },
  "mcp": { "servers": { "s": { "command": "c", "env": { "K": "hunter7" } } } }
}`;
    assert.equal(
      await textOf(text),
      text.replace("hunter2\\u0021", "*".repeat(13)).replaceAll(/hunter\d/g, "*".repeat(7))
        .replace("MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe", "*".repeat(31)),
    );
  });

  it("can be read again, also with secrets that are addresses", async () => {
    const text = `{ "channels": { "discord": { "dm": { "enabled": false } } },
  "alerts": { "webhook": "https://a.example/swordfish" } }`;
    const blanked = await textOf(text);
    assert.doesNotMatch(blanked, /swordfish|example/);
    assert.equal((await loadedOf(blanked)).config.accounts[0]?.access.dm.enabled, false);
  });

  it("keeps references to secrets, and changes nothing without secrets", async () => {
    const text = '{"channels":{"discord":{"dm":{"enabled":false}}}} // nothing to hide';
    assert.equal(await textOf(text), text);
    const { text: kept } = await loadedOf(
      '{"channels":{"discord":{"token":"${A}","pluralkit":{"token":{"file":"/k"}}}},' +
        '"http":{"port":8080}}',
      { env: { A: "x" }, files: { "/k": "y" } },
    );
    assert.match(kept ?? "", /"\$\{A\}".*\{"file":"\/k"\}/);
  });

  it("has no copy of a secret in its comments, which keep their ends", async () => {
    const text = `{ /* swordfish/2 or https://a/Abc123Abc123Abc123Abc123/x, ada:pw@b/ */
  "http": { "token": "swordfish" }, // not "swordfish": https://ada:pass@example.com/
  "channels": { "discord": { /*swordfish*/ "dm": { "enabled": false } } } }`;
    const blanked = await textOf(text);
    assert.doesNotMatch(blanked, /swordfish|Abc123|pass/);
    assert.equal(blanked.length, text.length);
    const again = await loadedOf(blanked.replace('"token": "*********"', '"token": "herring"'));
    assert.equal(again.config.accounts[0]?.access.dm.enabled, false);
  });

  it("has the secret of the last of many providers blanked, and finds none in many guilds", async () => {
    const names = Array.from({ length: 20 }, (_, number) => `p${number}`);
    const guilds = Object.fromEntries(names.map((_, number) => [`${100 + number}`, {}]));
    const providers = Object.fromEntries(names.map((name, number) => [
      name,
      { kind: "anthropic", apiKey: number < 19 ? { file: "/k" } : "hunter2" },
    ]));
    const one = JSON.stringify({ channels: { discord: { guilds } }, models: { providers } });
    const loaded = await loadedOf(one, { files: { "/k": "y" } });
    assert.equal(loaded.text, one.replace("hunter2", "*".repeat(7)));
    assert.ok(loaded.holdsSecret);
    const none = JSON.stringify({ channels: { discord: { guilds } } });
    const without = await loadedOf(none);
    assert.deepEqual([without.text, without.holdsSecret], [none, false]);
  });

  it("is absent without a file", async () => {
    assert.equal((await loadedOf(undefined)).text, undefined);
  });

  it("shows no part of a token, and parses to the same value", async () => {
    const token = fc.string({ unit: "grapheme-ascii", minLength: 6, maxLength: 30 })
      .map((text) => `s3cr3t${text.replace(/[ $<>.*]/g, "y")}`);
    await fc.assert(
      fc.asyncProperty(token, token, async (one, other) => {
        fc.pre(one !== other);
        const written = {
          channels: { discord: { token: one, accounts: { a: { token: other } } } },
        };
        const blanked = await textOf(JSON.stringify(written));
        assert.doesNotMatch(blanked, /s3cr3t/);
        const again = JSON.parse(blanked);
        assert.deepEqual(Object.keys(again.channels.discord.accounts), ["a"]);
        assert.match(again.channels.discord.token, /^\*+$/);
      }),
      { numRuns: 100 },
    );
  });
});

describe("[C8] a shown line that does not parse", () => {
  const LINES: readonly string[] = [
    '{ "http": { "token": "hunter2 two" "x": 1 } }',
    '{ "http": { "token": hunter2 } }',
    '{ "http": { "token": "hunter2 }',
    "{ http: { token: 'hunter2, or so' } }",
    '{ "http": { "token" : "hunter2", "token": "hunter3" } }',
    '{ "models": { "providers": { "x": { "apiKey": "hunter2"; "headers": { "a": "hunter3" } } } } }',
    '{ "models": { "providers": { "x": { "headers": { "Api-Key": "hunter2", "b": "hunter3" "c" } } } } }',
    '{ "http": { "token": { "env": "hunter2-x" } } }',
    '{ "http": { "token": { "env": "hunter2", "file": "hunter3" } } }',
    '{ "http": { "keepAliveUrl": "https://ada:hunter2@example.com/" "token": "${T}" } }',
    '{ "http": { "keepAliveUrl": "https://ada:hunter2@example.com/" } }',
    '{ "models": { "providers": { "x": { "kind": "anthropic", "baseUrl": "https://ada:hunter2@b/" } } } }',
  ];
  for (const line of LINES) {
    it(`has no secret: ${line}`, async () => {
      const shown = await rendered(line);
      assert.match(shown, /1 \| /);
      assert.doesNotMatch(shown, /hunter/);
    });
  }

  it("keeps references to secrets", async () => {
    assert.match(await rendered('{ "http": { "token": "${T}" "x": 1 } }'), /"\$\{T\}"/);
  });
});
