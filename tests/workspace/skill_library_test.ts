import assert from "node:assert/strict";
import { testAccount } from "../support/bot/test_account.ts";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { homedir } from "node:os";
import { configuredFolders, createSkillLibrary, findSkills } from "../../src/workspace/skills.ts";
import { systemPromptOf } from "../../src/render/prompt/prompt.ts";
import { readSkill } from "../../src/tools/workspace_files.ts";
import { recordingLog } from "../support/recording_log.ts";
import { tempDirectory } from "../support/temp_directory.ts";
import { toolContext } from "../support/model/tools.ts";
import { workspaceOf } from "../../src/workspace/workspace.ts";

const made: Disposable[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) directory[Symbol.dispose]();
});

function build(skills: Readonly<Record<string, string>> = {}) {
  const directory = tempDirectory();
  made.push(directory);
  const { path } = directory;
  const add = (name: string, text: string) => {
    mkdirSync(join(path, name), { recursive: true });
    writeFileSync(join(path, name, "SKILL.md"), text);
  };
  for (const [name, text] of Object.entries(skills)) add(name, text);
  return { path, add, find: () => findSkills([{ path, isRequired: true }]) };
}

const skill = (name: string, more = "") =>
  `---\nname: ${name}\ndescription: >\n  About\n  ${name}\n${more}---\n# How\nDo it.\n`;

describe("[T7] findSkills()", () => {
  it("reads name, description and body, in the order of the names", async () => {
    const more = 'license: MIT\ncompatibility: any\nmetadata: {a: "1"}\nallowed-tools: Bash(x)\n';
    const { find } = build({ "tide-table": skill("tide-table", more), boats: skill("boats") });
    const { skills, problems } = await find();
    assert.deepEqual(problems, []);
    assert.deepEqual(skills.map(({ name, description, body }) => [name, description, body]), [
      ["boats", "About boats", "# How\nDo it."],
      ["tide-table", "About tide-table", "# How\nDo it."],
    ]);
  });

  const wrong: readonly [text: string, reason: RegExp][] = [
    ["# no front matter", /no front matter/],
    ["---\nname: x\n", /no front matter/],
    ["---\nname: [\n---\n", /no YAML/],
    ["---\njust text\n---\n", /./],
    ["---\ndescription: d\n---\n", /`name` is missing/],
    ["---\nname: x\n---\n", /`description` is missing/],
    ["---\nname: x\ndescription: ' '\n---\n", /`description` is empty/],
    [`---\nname: x\ndescription: ${"d".repeat(1_025)}\n---\n`, /more than 1,024/],
    ["---\nname: X_y\ndescription: d\n---\n", /only a-z/],
    ["---\nname: other\ndescription: d\n---\n", /its folder "x"/],
    ["---\nname: x\ndescription: d\nmetadata: 3\n---\n", /`metadata`/],
    ["---\na: &a [1]\nname: x\ndescription: d\nb: [*a, *a]\n---\n", /no YAML/],
  ];
  for (const [text, reason] of wrong) {
    it(`names what is wrong in ${JSON.stringify(text.slice(0, 40))}`, async () => {
      const { path, find } = build({ x: text });
      const { skills, problems } = await find();
      assert.deepEqual(skills, []);
      assert.equal(problems[0]?.file, join(path, "x", "SKILL.md"));
      assert.match(problems[0]?.reason ?? "", reason);
    });
  }

  it("names a missing folder, a folder without SKILL.md, and a second skill of a name", async () => {
    const { path } = build({ x: skill("x") });
    mkdirSync(join(path, "empty"));
    const { problems } = await findSkills([
      { path, isRequired: true },
      { path, isRequired: false },
      { path: join(path, "none"), isRequired: true },
      { path: join(path, "none"), isRequired: false },
    ]);
    assert.deepEqual(problems.map(({ reason }) => reason.replace(/: .*/, "")), [
      'there is no file "SKILL.md"',
      'there is no file "SKILL.md"',
      "another skill has this name",
      "there is no such folder",
    ]);
  });

  it("hashes all files, so that each change shows", async () => {
    const { path, find } = build({ x: skill("x") });
    const hash = async () => (await find()).skills[0]?.hash;
    const first = await hash();
    assert.equal(await hash(), first);
    writeFileSync(join(path, "x", "run.sh"), "echo 1");
    const second = await hash();
    writeFileSync(join(path, "x", "run.sh"), "echo 2");
    assert.equal(new Set([first, second, await hash()]).size, 3);
  });
});

describe("[T7] read_skill", () => {
  async function reader() {
    const { path } = build({ x: skill("x"), y: skill("y") });
    mkdirSync(join(path, "x", "references"));
    writeFileSync(join(path, "x", "references", "forms.md"), "forms");
    writeFileSync(join(path, "secret.txt"), "secret");
    symlinkSync(join(path, "secret.txt"), join(path, "x", "link.md"));
    const set = await findSkills([{ path, isRequired: true }]);
    const { account } = await testAccount({
      discord: { groupPolicy: "open" },
      beside: { agents: { list: [{ id: "main", skills: ["x"] }] } },
      toolServices: { of: () => ({ skills: { now: () => set } }) as never },
    });
    return (input: unknown) =>
      readSkill.run(readSkill.input.parse(input), toolContext({ account }));
  }

  it("returns the instructions, and the names of the files", async () => {
    const read = await reader();
    assert.equal(await read({ name: "x" }), "# How\nDo it.\n\nFiles: references/forms.md");
    assert.equal(await read({ name: "x", file: "references/forms.md" }), "forms");
  });

  it("reads no skill that the channel does not have, and nothing outside of the folder", async () => {
    const read = await reader();
    await assert.rejects(read({ name: "y" }), /no skill "y" here; the skills are: x/);
    for (const file of ["../secret.txt", "link.md", "/etc/passwd", "none.md"]) {
      await assert.rejects(read({ name: "x", file }), Error);
    }
  });
});

it("[T7] createSkillLibrary() › keeps the same object until something changes, and reports a problem once", async () => {
  const { path, add } = build({ x: skill("x"), wrong: "x" });
  const { log, lines } = recordingLog();
  let now = 0;
  const library = createSkillLibrary(() => [{ path, isRequired: true }], { now: () => now }, log);
  assert.deepEqual(library.now().skills, []);
  await library.read();
  const first = library.now();
  assert.equal(first.skills.length, 1);
  await library.read();
  assert.equal(library.now(), first);
  assert.equal(lines.length, 1);
  add("y", skill("y"));
  rmSync(join(path, "wrong"), { recursive: true });
  now = 30_000;
  await library.read();
  assert.equal(library.now().skills.length, 2);
});

it("[T7] the system prompt › lists skills by name and description, and says nothing without any", () => {
  const skills = [{ name: "x", description: "About x" }];
  assert.match(systemPromptOf({ hasTools: true, skills }), /^- x: About x$/m);
  assert.doesNotMatch(systemPromptOf({ hasTools: true, skills: [] }), /skill/);
});

for (const [written, path] of [["~/a", join(homedir(), "a")], ["a", "/etc/a"], ["/a", "/a"]]) {
  it(`[S6] folders of the config › are ${path} for ${written}`, () => {
    assert.equal(workspaceOf({ file: "/etc/c" }, { id: "x", workspace: written }, "/data"), path);
    const skills = { folders: [written ?? ""] };
    assert.deepEqual(configuredFolders({ file: "/etc/c", skills }), [path]);
  });
}
