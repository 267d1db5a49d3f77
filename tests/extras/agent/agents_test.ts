import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { show } from "../../../src/extras/agent/agents.ts";
import { answerRows } from "../../../src/extras/agent/who_answers.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { recordingIo } from "../../cli/io.ts";
import { loadTestConfig } from "../../support/config.ts";

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
