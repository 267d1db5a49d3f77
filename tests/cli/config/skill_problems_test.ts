import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { check } from "../../../src/cli/config/show.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../io.ts";

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

  it("names unknown skills of channels, with the place and the nearest name", async () => {
    const { problems } = await checked({ tides: skill("tides") }, ["tides", "tide", "whales"]);
    const at = "channels.discord.guilds.1400000000000000010.channels.help.skills";
    assert.deepEqual(problems.map(({ path, line, hint }) => [path, line, hint]), [
      [`${at}[1]`, 1, 'did you mean "tides"?'],
      [`${at}[2]`, 1, "skills: tides"],
    ]);
    const { problems: none } = await checked({}, ["tides"]);
    assert.match(String(none.at(-1)?.["hint"]), /there are no skills/);
  });
});
