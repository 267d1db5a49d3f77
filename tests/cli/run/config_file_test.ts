import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createConfigFile } from "../../../src/cli/run/config_file.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const TOKEN = "canary-of-a-token-that-no-one-may-see";

function build() {
  const directory = tempDirectory();
  const path = join(directory.path, "config.jsonc");
  writeFileSync(
    path,
    `{ "log": { "level": "debug" }, "channels": { "discord": { "token": "\${TOKEN}" } } }\n`,
    { mode: 0o600 },
  );
  return {
    file: createConfigFile(path, { TOKEN }),
    text: () => readFileSync(path, "utf8"),
    write: (text: string) => writeFileSync(path, text),
    /** Acts as another program that writes the file at this moment. */
    block: () => writeFileSync(join(directory.path, ".config.jsonc.part"), ""),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

describe("[K4] createConfigFile()", () => {
  it("reads keys with their defaults, and no secret", async () => {
    using built = build();
    const { file } = built;
    assert.equal(await file.get("log.level"), '"debug"');
    assert.equal(await file.get("commands.native"), '"auto"');
    assert.equal(await file.get("log.colour"), undefined);
    for (const path of ["", "channels.discord", "channels.discord.token"]) {
      assert.ok(!(await file.get(path) ?? "").includes(TOKEN), path);
    }
  });

  it("writes and removes a key, after a check of the whole file", async () => {
    using built = build();
    const { file, text } = built;
    assert.equal(await file.set("commands.native", "false"), undefined);
    assert.match(text(), /"native": false/);
    const before = text();
    assert.match(await file.set("log.level", "loud") ?? "", /^log\.level: /);
    assert.match(await file.set("", "1") ?? "", /name the key/);
    assert.equal(text(), before);
    assert.equal(await file.set("commands.native", undefined), undefined);
    assert.doesNotMatch(text(), /native/);
  });

  it("knows whether a change closes direct messages, of the account", async () => {
    using built = build();
    const { file, write } = built;
    const closes = (path: string, value?: string) =>
      file.closesDms(toAccountId("default"), path, value);
    assert.equal(await closes("channels.discord.dm.policy", "disabled"), true);
    assert.equal(await closes("channels.discord.dm", '{"enabled":false}'), true);
    assert.equal(await closes("channels.discord.dm.policy", "loud"), false, "it is not written");
    assert.equal(await closes("log.level", "info"), false);
    write(
      '{"channels":{"discord":{"token":"${TOKEN}","dm":{"policy":"disabled"},"accounts":{"default":{"dm":{"policy":"pairing"}}}}}}',
    );
    assert.equal(await closes("channels.discord.accounts.default.dm.policy"), true);
    assert.equal(await closes("channels.discord.accounts.other.dm.policy", "disabled"), false);
  });

  it("takes no secret, neither alone nor within a section", async () => {
    using built = build();
    const { file, text } = built;
    const before = text();
    for (
      const [path, value] of [
        ["channels.discord.token", "x"],
        ["channels.discord", '{"token":"x"}'],
        ["models.providers", '{"a":{"kind":"anthropic","apiKey":"x"}}'],
        ["models.providers.a.headers.authorization", "x"],
        ["models.providers.a.apiKey.file", "x"],
        [
          "mcp.servers",
          '{"a":{"url":"https://a.example","oauth":{"clientSecret":{"file":"x"}}}}',
        ],
      ] as const
    ) assert.match(await file.set(path, value) ?? "", /secrets cannot be changed/, path);
    assert.equal(text(), before);
  });
});

describe("[K2] [C10] createConfigFile() › editList()", () => {
  const LIST = "channels.discord.dm.allowFrom";

  it("begins a list, extends it and keeps the comments beside its entries", async () => {
    using built = build();
    const { file, write, text } = built;
    assert.deepEqual(await file.editList(LIST, (list) => [...list, "1"]), {
      kind: "changed",
      entries: ["1"],
    });
    write('{ "channels": { "discord": { "dm": { "allowFrom": [\n  "1", // Ada\n] } } } }\n');
    assert.deepEqual(await file.editList(LIST, (list) => [...list, "2"]), {
      kind: "changed",
      entries: ["1", "2"],
    });
    assert.match(text(), /"1", \/\/ Ada\n\s*"2"/);
  });

  it("writes nothing if nothing changes, or if the file would be invalid", async () => {
    using built = build();
    const { file, text } = built;
    const before = text();
    assert.deepEqual(await file.editList(LIST, () => undefined), {
      kind: "unchanged",
      entries: [],
    });
    const blank = await file.editList(LIST, () => [""]);
    assert.match(blank.kind === "failed" ? blank.problem : "", /allowFrom\[0\]: .*blank/);
    const log = await file.editList("log", () => ["1"]);
    assert.match(log.kind === "failed" ? log.problem : "", /log is not a list/);
    assert.equal(text(), before);
  });

  it("says why a file cannot be written", async () => {
    using built = build();
    const { file, block, text } = built;
    const before = text();
    block();
    const result = await file.editList(LIST, () => ["1"]);
    assert.match(result.kind === "failed" ? result.problem : "", /writing .*config\.jsonc/);
    assert.equal(text(), before);
  });
});
