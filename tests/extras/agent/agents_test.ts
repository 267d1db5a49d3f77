import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { show } from "../../../src/extras/agent/agents.ts";
import { answerRows } from "../../../src/extras/agent/who_answers.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { check } from "../../../src/extras/config/show.ts";
import { recordingIo } from "../../cli/io.ts";
import { loadTestConfig } from "../../support/config.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const ID = "123456789012345678";

describe("[N2] barnacle agents show", () => {
  const config = join(import.meta.dirname ?? "", "../../../examples/many-agents.jsonc");

  it("draws the example without the token that it names, and prints a prompt", async () => {
    const io = recordingIo({ HOME: "/nonexistent" });
    const flags = { config, data: import.meta.dirname, json: false };
    assert.equal(await show(flags, undefined, io), 0, io.stderr.join("\n"));
    assert.match(io.stdout.join("\n"), /^PLACE +/);
    assert.equal(await show(flags, "writer", io), 0, io.stderr.join("\n"));
    assert.deepEqual(io.stderr, []);
  });

  it("[O10] tells files that it cannot use in words, one line each", async () => {
    using directory = tempDirectory();
    symlinkSync(join(directory.path, "agents"), join(directory.path, "agents"));
    const io = recordingIo({ HOME: "/nonexistent" });
    const flags = { config, data: directory.path, json: false };
    assert.equal(await show(flags, "writer", io), 0);
    const folder = join(directory.path, "agents", "writer");
    assert.deepEqual(
      io.stderr,
      ["AGENTS.md", "SOUL.md"].map((name) =>
        `barnacle: Cannot use a file with instructions: ${join(folder, name)}: ` +
        "its links lead in a circle"
      ),
    );
  });

  it("[O10] says that a file is too long, or no file of the workspace", async () => {
    using directory = tempDirectory();
    const folder = join(directory.path, "agents", "writer");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "AGENTS.md"), "x".repeat(20_001));
    symlinkSync("/etc/passwd", join(folder, "SOUL.md"));
    const io = recordingIo({ HOME: "/nonexistent" });
    assert.equal(await show({ config, data: directory.path, json: false }, "writer", io), 0);
    assert.deepEqual(io.stderr, [
      "barnacle: A file with instructions is too long; the model gets its beginning: " +
      `${join(folder, "AGENTS.md")}: 20000 characters`,
      `barnacle: Cannot use a file with instructions: ${join(folder, "SOUL.md")}: ` +
      "it is a link, which could lead out of the workspace",
    ]);
  });

  it("[O10] refuses a data directory that does not exist, with and without an agent", async () => {
    using directory = tempDirectory();
    const file = join(directory.path, "file");
    writeFileSync(file, "");
    const loop = join(directory.path, "loop");
    symlinkSync(loop, loop);
    for (const data of [file, loop, join(file, "below"), join(directory.path, "none")]) {
      for (const agent of [undefined, "writer"]) {
        const io = recordingIo({ HOME: "/nonexistent" });
        await assert.rejects(show({ config, data, json: false }, agent, io), {
          name: "StartError",
          code: 75,
          message: `no data directory ${data}; set --data to the bot's`,
        });
        assert.deepEqual([io.stdout, io.stderr], [[], []]);
      }
    }
  });

  it("[O7] its config is valid in a shell without the token, with a warning", async () => {
    const io = recordingIo({ HOME: "/nonexistent" });
    assert.equal(await check({ config, json: false }, io), 0);
    assert.match(io.stdout.join("\n"), /: valid \(1 warning\)$/);
    assert.match(io.stderr.join("\n"), /warning: .*DISCORD_BOT_TOKEN/);
  });
});

describe("[N2] answerRows()", () => {
  it("tells for each place who answers, by which rule, and who overlaps", async () => {
    const { discord: { access } } = await loadTestConfig({
      dm: { enabled: false },
      guilds: { [ID]: { slug: "krill", channels: { help: {}, drafts: {} } } },
    }, {
      agents: { list: [{ id: "main" }, { id: "writer" }, { id: "all" }, { id: "watch" }] },
      router: {
        assignments: {
          writer: { channels: ["drafts", "#notes"] },
          all: { channels: ["*"] },
          watch: { role: "passive", channels: ["help", "#logs"], triggers: [{ pattern: "x" }] },
        },
      },
      bindings: [{ agentId: "main", match: { channelId: "12345678901234567" } }],
    });
    assert.deepEqual(answerRows(access, toAccountId("default")), [
      {
        place: "direct messages",
        answers: "all",
        isClosed: true,
        overlaps: [],
        watches: [],
        rule: "router.assignments.all.channels[0]",
      },
      {
        place: "krill #help",
        answers: "all",
        isClosed: undefined,
        overlaps: [],
        watches: ["watch"],
        rule: "router.assignments.all.channels[0]",
      },
      {
        place: "krill #drafts",
        answers: "writer",
        isClosed: undefined,
        overlaps: ["all"],
        watches: [],
        rule: "router.assignments.writer.channels[0]",
      },
      {
        place: "#notes",
        answers: "writer",
        isClosed: true,
        overlaps: ["all"],
        watches: [],
        rule: "router.assignments.writer.channels[1]",
      },
      {
        place: "#logs",
        answers: "all",
        isClosed: true,
        overlaps: [],
        watches: ["watch"],
        rule: "router.assignments.all.channels[0]",
      },
      {
        place: "12345678901234567",
        answers: "all",
        isClosed: true,
        overlaps: ["main"],
        watches: [],
        rule: "router.assignments.all.channels[0]",
      },
      {
        place: "other channels",
        answers: "all",
        isClosed: true,
        overlaps: [],
        watches: [],
        rule: "router.assignments.all.channels[0]",
      },
    ]);
  });
});
