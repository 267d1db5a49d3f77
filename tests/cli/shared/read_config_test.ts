import assert from "node:assert/strict";
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Env } from "../../../src/lib/env.ts";
import { hasConfigWord, readConfig, readConfigAgain } from "../../../src/cli/shared/read_config.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** A config file in a temporary folder, with files of secrets. */
function written(
  folder: string,
  { token, mode = 0o600, secretMode = 0o600 }: {
    readonly token: string;
    readonly mode?: number;
    readonly secretMode?: number;
  },
): string {
  const config = join(folder, "config.jsonc");
  writeFileSync(
    config,
    `{"channels":{"discord":{"dm":{"enabled":false},"token":${token}}}}`,
  );
  chmodSync(config, mode);
  writeFileSync(join(folder, "token"), "hunter2\n");
  chmodSync(join(folder, "token"), secretMode);
  return config;
}

/** `"severity file"` of each problem, without the folder. */
async function told(
  config: string,
  folder: string,
  env: Env = {},
  insecure = false,
): Promise<readonly string[]> {
  const { problems } = await readConfig(config, env, insecure);
  return problems.map(({ severity, file }) => `${severity} ${file?.replace(`${folder}/`, "")}`);
}

const LITERAL = '"hunter2"';
const VARIABLE = '"${TOKEN}"';
const FILE = '{"file":"token"}';

describe("[C8] [SEC-R11] readConfig() over modes of real files", () => {
  const cases: readonly (readonly [
    mode: number,
    token: string,
    secretMode: number,
    told: readonly string[],
  ])[] = [
    [0o600, LITERAL, 0o600, []],
    [0o400, LITERAL, 0o600, []],
    [0o640, LITERAL, 0o600, []],
    [0o644, LITERAL, 0o600, ["warning config.jsonc"]],
    [0o604, LITERAL, 0o600, ["warning config.jsonc"]],
    [0o666, LITERAL, 0o600, ["error config.jsonc", "warning config.jsonc"]],
    [0o602, LITERAL, 0o600, ["error config.jsonc", "warning config.jsonc"]],
    [0o644, VARIABLE, 0o644, []],
    [0o646, VARIABLE, 0o644, ["error config.jsonc"]],
    [0o644, FILE, 0o600, []],
    [0o644, FILE, 0o640, []],
    [0o644, FILE, 0o644, ["warning token"]],
    [0o600, FILE, 0o666, ["warning token"]],
    [0o602, FILE, 0o604, ["error config.jsonc", "warning token"]],
  ];
  for (const [mode, token, secretMode, expected] of cases) {
    const modes = `${mode.toString(8)} and ${secretMode.toString(8)}`;
    it(`reports ${expected.join(", ") || "nothing"} of ${token} with modes ${modes}`, async () => {
      using folder = tempDirectory();
      const config = written(folder.path, { token, mode, secretMode });
      const env = { TOKEN: "hunter2" };
      assert.deepEqual(await told(config, folder.path, env), expected);
      const insecure = expected.map((line) => line.replace(/^error/, "warning"));
      assert.deepEqual(await told(config, folder.path, env, true), insecure);
      const { kind } = await readConfig(config, env);
      assert.equal(kind, insecure.join() === expected.join() ? "loaded" : "refused");
    });
  }

  it("[C5] accepts a systemd credential, whose group bits are an access list", async () => {
    using folder = tempDirectory();
    const config = written(folder.path, { token: FILE, secretMode: 0o644 });
    const credentials = join(folder.path, "credentials");
    mkdirSync(credentials);
    writeFileSync(join(credentials, "b_token"), "hunter2");
    const env = { CREDENTIALS_DIRECTORY: credentials };
    for (
      const [mode, expected] of [
        [0o400, []],
        [0o440, []],
        [0o444, ["warning credentials/b_token"]],
      ] as const
    ) {
      chmodSync(join(credentials, "b_token"), mode);
      assert.deepEqual(await told(config, folder.path, env), expected);
    }
  });

  it("[C8] reports a file with several secrets once", async () => {
    using folder = tempDirectory();
    const config = written(folder.path, { token: FILE, secretMode: 0o644 });
    writeFileSync(
      config,
      `{"channels":{"discord":{"dm":{"enabled":false},"token":${FILE}}},"http":{"token":${FILE}}}`,
    );
    assert.deepEqual(await told(config, folder.path), ["warning token"]);
  });

  it("[C8] shows no part of a secret in a problem of its file", async () => {
    using folder = tempDirectory();
    const config = written(folder.path, { token: FILE, mode: 0o666, secretMode: 0o666 });
    assert.doesNotMatch(JSON.stringify(await readConfig(config, {})), /hunter2/);
  });
});

describe("[C9] readConfigAgain()", () => {
  const OPEN = '{"channels":{"discord":{"groupPolicy":"open"}}}';
  const CLOSED = '{"channels":{"discord":{"groupPolicy":"disabled"}}}';

  it("rejects a missing file, since another file or none may admit everyone", async () => {
    using folder = tempDirectory();
    const file = join(folder.path, "barnacle", "config.jsonc");
    mkdirSync(join(folder.path, "barnacle"));
    writeFileSync(file, CLOSED, { mode: 0o600 });
    const env = { XDG_CONFIG_HOME: folder.path, DISCORD_BOT_TOKEN: "hunter2" };
    const before = await readConfig(undefined, env);
    assert.ok(before.kind === "loaded" && before.config.file === file);
    renameSync(file, join(folder.path, "kept.txt"));
    assert.equal((await readConfig(undefined, env)).kind, "loaded", "else there is nothing to try");
    const { kind, problems } = await readConfigAgain(file, undefined, env);
    assert.equal(kind, "refused");
    assert.match(problems[0]?.message ?? "", /no longer exists/);
    writeFileSync(file, OPEN, { mode: 0o600 });
    assert.equal((await readConfigAgain(file, undefined, env)).kind, "loaded");
  });

  it("rejects a file that became a directory, or writable for others", async () => {
    using folder = tempDirectory();
    const file = join(folder.path, "config.jsonc");
    const told = async () => {
      const { kind, problems } = await readConfigAgain(file, undefined, {});
      return kind === "refused" ? problems[0]?.message ?? "" : kind;
    };
    mkdirSync(file);
    assert.match(await told(), /it is a folder/);
    rmSync(file, { recursive: true });
    writeFileSync(file, CLOSED, { mode: 0o600 });
    assert.equal(await told(), "loaded");
    chmodSync(file, 0o666);
    assert.match(await told(), /Other users may write/);
    const elsewhere = join(folder.path, "elsewhere");
    renameSync(file, elsewhere);
    symlinkSync(elsewhere, file);
    assert.match(await told(), /Other users may write/);
    rmSync(elsewhere);
    assert.match(await told(), /no longer exists/);
  });

  it("searches again if the bot started without a file", async () => {
    using folder = tempDirectory();
    const env = { XDG_CONFIG_HOME: folder.path };
    const again = await readConfigAgain(undefined, undefined, env);
    assert.ok(again.kind === "loaded" && again.config.file === undefined);
  });
});

describe("[C1] readConfig() without a named file", () => {
  /** Reads the config where Barnacle's folder has one file. */
  async function readOwn(name: string, text: string, env: Readonly<Record<string, string>>) {
    using folder = tempDirectory();
    const home = join(folder.path, "barnacle");
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(join(home, name), text, { mode: 0o600 });
    return await readConfig(undefined, { ...env, XDG_CONFIG_HOME: folder.path });
  }

  for (
    const [name, kind, told] of [
      ["config.jsonc", "loaded", undefined],
      ["config.json", "loaded", undefined],
      ["config.yaml", "refused", /no file of this name/],
      ["barnacle.json", "refused", /no file of this name/],
      ["notes.json", "loaded", /^There is no config file at \.\/config\.jsonc, .*barnacle/],
    ] as const
  ) {
    it(`${name} with Barnacle's channels: ${kind}`, async () => {
      const text = '{"channels":{"discord":{"dm":{"enabled":false},"token":"${T}"}}}';
      const loaded = await readOwn(name, text, { T: "t" });
      assert.equal(loaded.kind, kind, JSON.stringify(loaded.problems));
      const [first] = loaded.problems;
      if (told) assert.match(first?.message ?? "", told);
      else assert.deepEqual(loaded.problems, []);
    });
  }

  for (const [name, kind] of [["config.json", "loaded"], ["config.yaml", "refused"]] as const) {
    it(`${name} in Barnacle's folder, without the word "discord": ${kind}`, async () => {
      const text = '{"channels":{"defaults":{"groupPolicy":"disabled"}}}';
      const loaded = await readOwn(name, text, { DISCORD_BOT_TOKEN: "t" });
      assert.equal(loaded.kind, kind, JSON.stringify(loaded.problems));
      const [account] = loaded.kind === "loaded" ? loaded.config.accounts : [];
      assert.equal(account?.access.groupPolicy, kind === "loaded" ? "disabled" : undefined);
    });
  }

  it("takes no folder for a config", async () => {
    using folder = tempDirectory();
    const home = join(folder.path, "barnacle");
    mkdirSync(join(home, "config.json"), { recursive: true });
    mkdirSync(join(home, "config.d"));
    const { kind } = await readConfig(undefined, { XDG_CONFIG_HOME: folder.path });
    assert.equal(kind, "loaded", "a folder of this name is no config");
  });
});

describe("[C1] hasConfigWord()", () => {
  const disabled = '{"channels":{"defaults":{"groupPolicy":"disabled"}}}';
  const texts = [
    ["an account", '{"channels":{"discord":{}}}', true],
    ["only the defaults of who may talk", disabled, true],
    ["another form", "Channels:\n  Discord: {}", true],
    ["another program's", '{"port":3000,"channels":["stable"],"policy":"open"}', false],
    ["a longer word", '{"discordance":1,"myGroupPolicyName":2}', false],
    ["nothing", "", false],
  ] as const;
  for (const [name, text, has] of texts) {
    it(`${name}: ${has}`, () => assert.equal(hasConfigWord(text), has));
  }
});
