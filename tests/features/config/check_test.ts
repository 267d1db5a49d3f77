import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { check, example } from "../../../src/features/config/check.ts";
import { readConfig } from "../../../src/cli/shared/read_config.ts";
import { recordingIo } from "../../cli/io.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("barnacle config", () => {
  const folder = tempDirectory();
  after(() => folder[Symbol.dispose]());

  function file(text: string, mode = 0o600): string {
    const path = join(folder.path, `${Math.abs(text.length * 31 + mode)}.jsonc`);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  const DM_OFF = '"dm":{"enabled":false}';
  const TOKEN = `{"channels":{"discord":{${DM_OFF},"token":"hunter2"}}}`;

  it("[O7] check exits with 0 on a valid file", async () => {
    const to = recordingIo();
    const path = file(TOKEN);
    assert.equal(await check({ config: path, json: false }, to), 0);
    assert.deepEqual(to.stdout, [`${path}: valid`]);
    assert.deepEqual(to.stderr, []);
  });

  it("[C2] [O7] check exits with 78, and prints all problems to stderr", async () => {
    const to = recordingIo();
    const path = file('{"lgo":{},"http":{"port":"x"}}');
    assert.equal(await check({ config: path, json: false }, to), 78);
    assert.deepEqual(to.stdout, [`${path}: invalid (2 errors)`]);
    assert.match(to.stderr.join("\n"), /did you mean "log"[\s\S]*http\.port/);
  });

  it("[O10] check --json prints one line that a program can read", async () => {
    const to = recordingIo();
    await check({ config: file('{"lgo":{}}'), json: true }, to);
    const { ok, problems } = JSON.parse(to.stdout.join(""));
    assert.equal(ok, false);
    const { severity, line, column, path } = problems[0];
    assert.deepEqual({ severity, line, column, path }, {
      severity: "error",
      line: 1,
      column: 2,
      path: "lgo",
    });
    assert.deepEqual(to.stderr, []);
    const long = "x".repeat(100_000);
    for (const value of [{ [long]: 1 }, { channels: { discord: { token: { file: long } } } }]) {
      const bounded = recordingIo();
      await check({ config: file(JSON.stringify(value)), json: true }, bounded);
      assert.ok(bounded.stdout.join("").length < 4_000);
    }
  });

  it("[C1] [C5] check ends with 78 for a missing token, as the bot does, and warns of other secrets", async () => {
    const to = recordingIo();
    const part = (key: string) => `"${key}":{"webhook":{"file":"${key}"}}`;
    const text = `{"channels":{"discord":{${DM_OFF},"token":{"file":"gone"}}},${part("alerts")}}`;
    assert.equal(await check({ config: file(text), json: false }, to), 78);
    assert.match(to.stdout.join(""), /: invalid \(1 error, 1 warning\)$/);
    assert.match(to.stderr.join(""), /error: There is no file \S+\/credentials\/gone/);
  });

  it("[C8] [SEC-R11] readConfig() rejects a file that other users may write, unless allowed", async () => {
    const path = file(TOKEN, 0o666);
    assert.equal((await readConfig(path, {})).kind, "refused");
    assert.equal((await readConfig(path, {}, true)).kind, "loaded");
  });

  it("[C4] example prints the example", () => {
    const to = recordingIo();
    assert.equal(example({ json: false }, to), 0);
    assert.match(to.stdout.join("\n"), /"allowFrom"/);
  });
});

/** Writes skills and a config beside them, and checks it. */
async function checked(skills: Readonly<Record<string, string>>, names: readonly string[]) {
  using folder = tempDirectory();
  for (const [name, text] of Object.entries(skills)) {
    mkdirSync(join(folder.path, "skills", name), { recursive: true });
    writeFileSync(join(folder.path, "skills", name, "SKILL.md"), text);
  }
  const path = join(folder.path, "config.jsonc");
  const channels = { help: { skills: names } };
  writeFileSync(
    path,
    JSON.stringify({
      channels: { discord: { token: "hunter2", guilds: { "1400000000000000010": { channels } } } },
      skills: { folders: ["skills"] },
    }),
    { mode: 0o600 },
  );
  const to = recordingIo();
  const code = await check({ config: path, json: true }, to);
  const { problems } = JSON.parse(to.stdout.join(""));
  return { code, problems: problems as readonly Readonly<Record<string, unknown>>[] };
}

const skill = (name: string) => `---\nname: ${name}\ndescription: Does something.\n---\nDo it.\n`;

describe("[T7] config check", () => {
  it("says nothing about valid skills", async () => {
    const { code, problems } = await checked({ tides: skill("tides") }, ["tides"]);
    assert.deepEqual([code, problems], [0, []]);
  });

  it("names each skill that cannot be used, with its file and the reason", async () => {
    const { code, problems } = await checked({
      broken: "no front matter",
      empty: "---\nname: empty\n---\n",
      other: skill("tides"),
    }, []);
    assert.equal(code, 0, "the bot runs without them");
    assert.deepEqual(
      problems.map(({ file, message, severity }) => [
        String(file).split("/").slice(-2).join("/"),
        severity,
        message,
      ]),
      [
        [
          "broken/SKILL.md",
          "warning",
          'This skill cannot be used: it has no front matter between two lines "---"',
        ],
        ["empty/SKILL.md", "warning", "This skill cannot be used: `description` is missing"],
        [
          "other/SKILL.md",
          "warning",
          'This skill cannot be used: `name` is "tides", its folder "other"',
        ],
      ],
    );
  });
});
