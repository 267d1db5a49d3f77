import assert from "node:assert/strict";
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Env } from "../../../src/lib/env.ts";
import { readConfig, readConfigAgain } from "../../../src/cli/shared/read_config.ts";
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
  writeFileSync(config, `{"channels":{"discord":{"dm":{"enabled":false},"token":${token}}}}`);
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

it("[C5] a named config that does not exist › is told with a next step", async () => {
  const { kind, problems } = await readConfig("/nonexistent/config.jsonc", {}, false);
  assert.equal(kind, "refused");
  assert.match(problems[0]?.hint ?? "", /correct --config, or run `barnacle setup`/);
});

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
    writeFileSync(join(credentials, "token"), "hunter2");
    const env = { CREDENTIALS_DIRECTORY: credentials };
    for (
      const [mode, expected] of [
        [0o400, []],
        [0o440, []],
        [0o444, ["warning credentials/token"]],
      ] as const
    ) {
      chmodSync(join(credentials, "token"), mode);
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
  for (const name of ["config.jsonc", "config.json", "notes.json"]) {
    it(`${name === "notes.json" ? "leaves" : "reads"} ${name} in Barnacle's folder`, async () => {
      using folder = tempDirectory();
      const home = join(folder.path, "barnacle");
      mkdirSync(home, { mode: 0o700 });
      const text = '{"channels":{"discord":{"dm":{"enabled":false},"token":"${T}"}}}';
      writeFileSync(join(home, name), text, { mode: 0o600 });
      const loaded = await readConfig(undefined, { T: "t", XDG_CONFIG_HOME: folder.path });
      assert.equal(loaded.kind, "loaded");
      assert.deepEqual(
        loaded.problems.map(({ message }) => message.slice(0, 24)),
        name === "notes.json" ? ["There is no config file ", "Without channels.discord"] : [],
      );
    });
  }
});
