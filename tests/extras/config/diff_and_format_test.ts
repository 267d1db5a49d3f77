import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { diff, fmt } from "../../../src/extras/config/diff_and_format.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../../cli/io.ts";

function setUp(files: Readonly<Record<string, string>>) {
  const directory = tempDirectory();
  const path = (name: string): string => join(directory.path, name);
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path(name), text, { mode: 0o600 });
  }
  const io = recordingIo({});
  return {
    [Symbol.dispose]: () => directory[Symbol.dispose](),
    path,
    io,
    flags: { config: path("config.jsonc"), json: false },
    text: (name = "config.jsonc") => readFileSync(path(name), "utf8"),
  };
}

const wrap = (keys: string): string => `{ "channels": { "discord": { ${keys} } } }`;

describe("barnacle config diff", () => {
  it("[C9] [O7] prints the differences from the defaults, and exits with 0", async () => {
    using at = setUp({
      "config.jsonc": wrap('"historyLimit": 5, "textChunkLimit": 2000, "token": "hunter2"'),
    });
    assert.equal(await diff(at.flags, undefined, at.io), 0);
    assert.deepEqual(at.io.stdout, [
      "channels.discord.historyLimit: set to 5",
      'channels.discord.token: set to "[redacted]"',
    ]);
  });

  it("[C9] [O7] prints the differences from a file, and exits with 1", async () => {
    using at = setUp({ "config.jsonc": wrap('"historyLimit": 5'), old: wrap('"historyLimit": 6') });
    assert.equal(await diff(at.flags, at.path("old"), at.io), 1);
    assert.deepEqual(at.io.stdout, ["channels.discord.historyLimit: 6 → 5"]);
  });

  it("[C9] [O7] prints nothing for an equivalent file, and exits with 0", async () => {
    const same = `// but for this\n${wrap('"historyLimit":\n5')}`;
    using at = setUp({ "config.jsonc": wrap('"historyLimit": 5'), old: same });
    assert.equal(await diff({ ...at.flags, json: true }, at.path("old"), at.io), 0);
    assert.deepEqual(at.io.stdout, ['{"same":true,"changes":[]}']);
  });

  it("[C9] compares a file without the section with the defaults of such a file", async () => {
    using at = setUp({ "config.jsonc": '{ "log": { "level": "debug" } }' });
    assert.equal(await diff(at.flags, undefined, at.io), 0);
    assert.deepEqual(at.io.stdout, ['log.level: "info" → "debug"']);
  });
});

describe("barnacle config fmt", () => {
  const UGLY = '{// c\n"log" : {"level":"info"},\n}';
  const WELL = '{ // c\n  "log": { "level": "info" },\n}\n';

  it("[C10] formats the file, and keeps the previous one as a copy", async () => {
    using at = setUp({ "config.jsonc": UGLY });
    assert.equal(await fmt({ ...at.flags, check: false }, at.io), 0);
    assert.equal(at.text(), WELL);
    assert.equal(at.text("config.jsonc.bak"), UGLY);
  });

  it("[O7] --check writes nothing, and exits with 1 if the file needs formatting", async () => {
    using at = setUp({ "config.jsonc": UGLY });
    assert.equal(await fmt({ ...at.flags, check: true }, at.io), 1);
    assert.equal(at.text(), UGLY);
    writeFileSync(at.path("config.jsonc"), WELL);
    assert.equal(await fmt({ ...at.flags, check: true }, at.io), 0);
    assert.ok(!existsSync(at.path("config.jsonc.bak")));
  });
});
