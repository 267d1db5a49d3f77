import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { valueFor } from "../../../src/cli/config/write.ts";
import { get, set, unset } from "../../../src/features/config/edit.ts";
import { configSchema } from "../../../src/config/schema/root.ts";
import { schemaAt } from "../../../src/config/schema/parts/key.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../../cli/io.ts";

const ID = "123456789012345678";
const FILE = `{
  // mine
  "channels": {
    "discord": {
      "token": "hunter2-hunter2", // secret
      "dm": { "policy": "allowlist", "allowFrom": ["1"] },
      "historyLimit": 10
    }
  }
}
`;

function setUp(text = FILE, mode = 0o600) {
  const directory = tempDirectory();
  const path = join(directory.path, "config.jsonc");
  writeFileSync(path, text);
  chmodSync(path, mode);
  const io = recordingIo({});
  const flags = { config: path, json: false };
  return {
    [Symbol.dispose]: () => directory[Symbol.dispose](),
    path,
    io,
    flags,
    text: () => readFileSync(path, "utf8"),
    output: () => [...io.stdout, ...io.stderr].join("\n"),
    set: (key: string, value: string) => set(flags, { path: key, value }, io),
  };
}

describe("barnacle config set", () => {
  it("[C10] writes the value, keeps the rest and a copy, and prints the change", async () => {
    using at = setUp();
    assert.equal(await at.set("channels.discord.historyLimit", "30"), 0);
    assert.equal(at.text(), FILE.replace("10", "30"));
    assert.equal(readFileSync(`${at.path}.bak`, "utf8"), FILE);
    assert.deepEqual(at.io.stdout, ["channels.discord.historyLimit: 10 → 30"]);
    assert.match(at.io.stderr.join(), /^Wrote .*; the previous file is config\.jsonc\.bak$/);
  });

  it("[C10] adds an entry to a list with [+], and an id needs no quotes", async () => {
    using at = setUp();
    assert.equal(await at.set("channels.discord.dm.allowFrom[+]", ID), 0);
    assert.equal(at.text(), FILE.replace('["1"]', `["1", "${ID}"]`));
  });

  it("[C8] never shows a secret, neither the old nor the new", async () => {
    using at = setUp();
    assert.equal(await at.set("channels.discord.token", "swordfish-swordfish"), 0);
    assert.match(at.text(), /"token": "swordfish-swordfish", \/\/ secret/);
    assert.doesNotMatch(at.output(), /hunter2|swordfish/);
    assert.match(at.output(), /token: "\[redacted\]" → "\[redacted\]" \(the bot reconnects\)/);
  });

  const INVALID: readonly (readonly [key: string, value: string, why: RegExp])[] = [
    [
      "channels.discord.historyLimit",
      "many",
      /Expected a whole number from 0 to 500, found "many"/,
    ],
    ["channels.discord.historyLimitt", "1", /did you mean "historyLimit"/],
    ["channels.discord.dm.policy", "open", /"allowFrom" must contain "\*"/],
    ["channels.discord.token", "hunter3\u0007", /contains a character that no token/],
    ["channels.discord.historyLimit.x", "1", /is a number, and not an object/],
    ["channels.discord.dm.allowFrom[7]", "1", /has 1 entries, and none at \[7\]/],
  ];
  for (const [key, value, why] of INVALID) {
    it(`[C10] [O7] writes no invalid config: ${key}`, async () => {
      using at = setUp();
      assert.equal(await at.set(key, value), 78);
      assert.match(at.output(), why);
      assert.doesNotMatch(at.output(), /hunter/);
      assert.equal(at.text(), FILE);
      assert.ok(!existsSync(`${at.path}.bak`));
    });
  }

  it("[C10] repairs an invalid file", async () => {
    using at = setUp('{ "channels": { "discord": { "historyLimit": "x" } } }');
    assert.equal(await at.set("channels.discord.historyLimit", "1"), 0);
    assert.equal(at.text(), '{ "channels": { "discord": { "historyLimit": 1 } } }');
  });

  it("[C8] [SEC-R11] writes no file that other users may write", async () => {
    using at = setUp(FILE, 0o666);
    assert.equal(await at.set("channels.discord.historyLimit", "1"), 78);
    assert.match(at.output(), /Other users may write the file \(mode 0666\)/);
    assert.equal(at.text(), FILE);
  });

  it("[C10] creates the user's own file if there is none", async () => {
    using home = tempDirectory();
    const io = recordingIo({ HOME: home.path, XDG_CONFIG_HOME: home.path });
    const path = join(home.path, "barnacle", "config.jsonc");
    const flags = { json: false };
    assert.equal(await set(flags, { path: "log.level", value: "debug" }, io), 0);
    assert.equal(readFileSync(path, "utf8"), '{\n  "log": {\n    "level": "debug"\n  }\n}\n');
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it("[C10] unset says that a key is not set, and rejects one that does not exist", async () => {
    using at = setUp();
    assert.equal(await unset(at.flags, "channels.discord.name", at.io), 0);
    assert.match(at.output(), /^channels\.discord\.name is not set in .*: nothing to remove$/);
    assert.equal(await unset(at.flags, "channels.discord.nme", at.io), 2);
    assert.match(
      at.output(),
      /unknown key channels\.discord\.nme; did you mean channels\.discord\.name\?/,
    );
    assert.equal(at.text(), FILE);
    assert.ok(!existsSync(`${at.path}.bak`));
  });

  it("[C8] warns of a secret in a file that other users may read", async () => {
    using at = setUp();
    chmodSync(at.path, 0o644);
    assert.equal(await at.set("channels.discord.historyLimit", "11"), 0);
    assert.doesNotMatch(at.output(), /other users may read/, "that was so before");
    writeFileSync(at.path, "{}");
    assert.equal(await at.set("channels.discord.token", "swordfish-swordfish"), 0);
    assert.match(at.output(), /contains a secret, and other users may read it[\s\S]*chmod 600/);
    assert.doesNotMatch(at.output(), /swordfish/);
  });

  it("[C5] [C10] accepts a secret that only the service has", async () => {
    using variable = setUp(FILE.replace("hunter2-hunter2", "${BARNACLE_NOWHERE}"));
    using at = setUp(FILE.replace('"hunter2-hunter2"', '{ "file": "discord_token" }'));
    for (const { set, text, output } of [variable, at]) {
      assert.equal(await set("channels.discord.historyLimit", "11"), 0, output());
      assert.match(text(), /"historyLimit": 11\n/);
      assert.doesNotMatch(output(), /discord_token|NOWHERE/, "that was so before");
    }
    assert.equal(await at.set("channels.discord.pluralkit.token", "${NOT_HERE}"), 0);
    assert.match(at.output(), /warning: The variable NOT_HERE is not set/);
    assert.equal(
      await at.set("channels.discord.token", "a\nb"),
      78,
      "values of this file must be valid",
    );
  });

  it("[C1] shows the syntax error of a file that it cannot edit", async () => {
    using at = setUp();
    writeFileSync(at.path, '{ "channels": {');
    assert.equal(await at.set("channels.discord.historyLimit", "11"), 78);
    assert.match(at.output(), /config\.jsonc:1:\d+: error: /);
  });
});

describe("valueFor()", () => {
  const WORDS: readonly (readonly [key: string[], typed: string, value: unknown])[] = [
    [["channels", "discord", "dm", "enabled"], "false", false],
    [["channels", "discord", "historyLimit"], "20", 20],
    [["channels", "discord", "dm", "allowFrom"], `["${ID}"]`, [ID]],
    [["channels", "discord", "dm", "allowFrom"], `[${ID}]`, [ID]],
    [["agents", "list", "0", "prompt"], "true", "true"],
    [["agents", "list", "0", "prompt"], '"quoted"', "quoted"],
    [["agents", "list", "0", "prompt"], '{"a":1}', '{"a":1}'],
    [["channels", "discord", "token"], '{"file":"t"}', { file: "t" }],
    [["channels", "discord", "token"], "12345", "12345"],
    [["nobody", "knows"], "x y", "x y"],
    [["nobody", "knows"], "[1]", [1]],
  ];
  for (const [key, typed, value] of WORDS) {
    it(`[C10] reads ${typed} at ${key.join(".")}`, () => {
      const path = key.map((part) => /^\d$/.test(part) ? Number(part) : part);
      assert.deepEqual(valueFor(schemaAt(configSchema, path), typed), value);
    });
  }
});

describe("barnacle config unset", () => {
  it("[C10] removes a key with its comment, and keeps the others", async () => {
    using at = setUp();
    assert.equal(await unset(at.flags, "channels.discord.token", at.io), 0);
    assert.match(at.text(), /"discord": \{\n +"dm"/);
    assert.match(at.output(), /token: removed, was "\[redacted\]"/);
  });
});

describe("barnacle config get", () => {
  const KEYS: readonly (readonly [key: string, code: number, expected: RegExp])[] = [
    ["channels.discord.historyLimit", 0, /^10$/],
    ["channels.discord.dm.policy", 0, /^allowlist$/],
    ["channels.discord.dm.allowFrom", 0, /^\[\n {2}"1"\n\]$/],
    ["channels.discord.dm.allowFrom[0]", 0, /^1$/],
    ["channels.discord.textChunkLimit", 0, /^2000$/],
    ["channels.discord.token", 0, /^\[redacted\]$/],
    ["channels.discord", 0, /"token": "\[redacted\]"/],
    ["channels.discord.name", 1, /channels\.discord\.name is not set/],
    ["channels.discord.historyLimitt", 2, /unknown key channels\.discord\.historyLimitt/],
    [`log.${"x".repeat(1_000)}`, 2, /unknown key log\.x{96}…; [^]{1,200}$/],
    ["a..b", 2, /is not a path/],
    ["channels.discord.dm.allowFrom[+]", 2, /\[\+\] works with `config set` only/],
  ];
  for (const [key, code, expected] of KEYS) {
    it(`[C8] [O7] ${key}: ${code}`, async () => {
      using at = setUp();
      assert.equal(await get(at.flags, key, at.io), code);
      assert.match(at.output(), expected);
      assert.doesNotMatch(at.output(), /hunter2/);
    });
  }
});
