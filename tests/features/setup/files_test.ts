/** Tests the files of a setup, which are all written or none, its paths, and `barnacle secret set`. */

import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { setSecret, writeFiles } from "../../../src/features/setup/files.ts";
import { setUp } from "../../../src/features/setup/setup.ts";
import { createDataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const TEXT = '{ "channels": { "discord": { "token": { "file": "discord_token" } } } }\n';
const SECRETS = [{ name: "discord_token", text: "new" }];

describe("[O3] writeFiles()", () => {
  for (const older of [undefined, "old\n"]) {
    it(`leaves the secrets as they were if the config cannot be written: ${older}`, async () => {
      using directory = tempDirectory();
      const file = join(directory.path, "config.jsonc");
      writeFileSync(file, "{} // changed meanwhile", { mode: 0o600 });
      const folder = join(directory.path, "credentials");
      const token = join(folder, "discord_token");
      if (older) mkdirSync(folder, { mode: 0o700 });
      if (older) writeFileSync(token, older, { mode: 0o600 });
      const saved = await writeFiles({ kind: "opened", file, text: "{}" }, TEXT, SECRETS, {});
      assert.deepEqual(saved.kind === "unwritten" && saved.code, 75);
      assert.deepEqual(
        existsSync(folder) && readdirSync(folder),
        older ? ["discord_token"] : false,
      );
      if (older) assert.equal(readFileSync(token, "utf8"), older);
    });
  }

  it("leaves no copy of an older secret", async () => {
    using directory = tempDirectory();
    const file = join(directory.path, "config.jsonc");
    const saved = await writeFiles({ kind: "opened", file }, TEXT, SECRETS, {});
    assert.equal(saved.kind, "saved");
    const again = [{ name: "discord_token", text: "newer" }];
    await writeFiles({ kind: "opened", file, text: TEXT }, TEXT, again, {});
    const folder = join(directory.path, "credentials");
    assert.deepEqual(readdirSync(folder), ["discord_token"]);
    assert.equal(readFileSync(join(folder, "discord_token"), "utf8"), "newer\n");
    assert.equal(statSync(join(folder, "discord_token")).mode & 0o777, 0o600);
  });

  it("closes the file of an older secret to other users, also if the secret is the same", async () => {
    for (const text of ["old", "new"]) {
      using directory = tempDirectory();
      const file = join(directory.path, "config.jsonc");
      const token = join(directory.path, "credentials", "discord_token");
      mkdirSync(join(directory.path, "credentials"));
      writeFileSync(token, `${text}\n`);
      chmodSync(token, 0o644);
      assert.equal((await writeFiles({ kind: "opened", file }, TEXT, SECRETS, {})).kind, "saved");
      assert.equal(statSync(token).mode & 0o777, 0o600);
    }
  });

  it("says that something else is in the place of a secret", async () => {
    const things: readonly (readonly [what: RegExp, make: (path: string) => void])[] = [
      [
        /cannot write .*credentials: it is a folder$/,
        (path) => void mkdirSync(path, { recursive: true }),
      ],
      [/discord_token cannot be written/, (path) => writeFileSync(dirname(path), "no folder")],
      [/it has more than/, (path) => {
        mkdirSync(dirname(path));
        writeFileSync(path, "x".repeat(100_000));
      }],
    ];
    for (const [words, make] of things) {
      using directory = tempDirectory();
      const file = join(directory.path, "config.jsonc");
      make(join(directory.path, "credentials", "discord_token"));
      const saved = await writeFiles({ kind: "opened", file }, TEXT, SECRETS, {});
      assert.match(saved.kind === "unwritten" ? saved.message : saved.kind, words);
      assert.equal(existsSync(file), false);
    }
  });
});

describe("[O3] [O10] setUp()", () => {
  const NO_FLAGS = { dryRun: false, json: false };
  const ENV = { DISCORD_API_URL: "http://127.0.0.1:9", HOME: "/nonexistent" };
  it("refuses a wrong --config and --data before its first question", async () => {
    using directory = tempDirectory();
    const at = (name: string) => join(directory.path, name);
    writeFileSync(at("file"), "");
    writeFileSync(at("wrong"), '{ "htpp": {} }');
    for (
      const [wrong, code, words] of [
        [{ config: at("file/below") }, 74, /a part of its path is no folder/],
        [{ config: at("new"), data: at("file/below") }, 74, /a part of its path is no folder/],
        [{ config: at("wrong") }, 78, /did you mean "http"/],
      ] as const
    ) {
      const io = recordingIo(ENV);
      const end = await setUp({ ...NO_FLAGS, ...wrong }, io);
      const said = io.stderr.join("\n");
      assert.deepEqual([end, io.stdout], [{ code }, []], said);
      assert.match(said, words);
      assert.doesNotMatch(said, /token/);
    }
  });

  it("goes on to the terminal with right paths, and with --dry-run for a config that no one writes", async () => {
    using directory = tempDirectory();
    writeFileSync(join(directory.path, "file"), "");
    for (
      const [name, dryRun] of [["new.jsonc", false], ["file/below", true]] as const
    ) {
      const io = recordingIo(ENV);
      const config = join(directory.path, name);
      await setUp({ ...NO_FLAGS, config, dryRun, data: join(directory.path, "data") }, io);
      assert.match(io.stderr.join("\n"), /setup asks its questions on a terminal/);
    }
    const named = recordingIo({ ...ENV, BARNACLE_CONFIG: join(directory.path, "new.jsonc") });
    await setUp({ ...NO_FLAGS, data: join(directory.path, "data") }, named);
    assert.match(named.stderr.join("\n"), /setup asks its questions on a terminal/);
  });
});

describe("[C5] barnacle secret set", () => {
  it("writes a file that only its owner reads, replaces it, and keeps no copy", async () => {
    const { flags, data } = createDataFixture({});
    const folder = join(data, "credentials");
    for (const text of ["first-of-two-secrets\n", "Bearer second\n"]) {
      const io = recordingIo({});
      assert.equal(await setSecret(flags, "home", io, () => Promise.resolve(text)), 0);
      assert.equal(readFileSync(join(folder, "home"), "utf8"), text);
      assert.ok(![...io.stdout, ...io.stderr].join().includes(text.trim()));
    }
    assert.deepEqual(readdirSync(folder), ["home"]);
    const modes = [folder, join(folder, "home")].map((path) => statSync(path).mode & 0o777);
    assert.deepEqual(modes, [0o700, 0o600]);
    removeDataFixtures();
  });

  const REFUSED: readonly (readonly [name: string, text: string])[] = [
    ["../home", "a-secret"],
    [".hidden", "a-secret"],
    ["a b", "a-secret"],
    ["home", " \n"],
    ["home", "two\nlines"],
  ];
  for (const [name, text] of REFUSED) {
    it(`refuses ${JSON.stringify(text)} as ${name}`, async () => {
      const { flags, data } = createDataFixture({});
      const io = recordingIo({});
      assert.equal(await setSecret(flags, name, io, () => Promise.resolve(text)), 2);
      assert.deepEqual(readdirSync(data), ["config.jsonc"]);
      assert.doesNotMatch(io.stderr.join(), /a-secret/);
      removeDataFixtures();
    });
  }
});
