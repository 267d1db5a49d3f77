/** Tests the turn of an edited question: its tools, its history, and what people and the model read. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sortSteps } from "../../../src/core/turn/asking.ts";
import type { FollowedEdit } from "../../../src/core/turn/asking.ts";
import type { Step } from "../../../src/core/step.ts";
import type { ReplyToSend } from "../../../src/render/cost.ts";
import {
  doneBefore,
  upToQuestion,
  withEditLine,
  withEditNote,
} from "../../../src/flows/turn/edited_turn.ts";
import { rulesAfterEdit } from "../../../src/flows/turn/edited_turn.ts";
import type { TurnRules } from "../../../src/flows/turn/answer_ports.ts";
import { ACTIONS } from "../../../src/tools/discord/discord.ts";
import { TOOLS } from "../../../src/tools/registry.ts";
import { toolContext } from "../../support/model/tools.ts";
import { guildMessage, messageId } from "../../support/discord/builders.ts";

const answered = (id: string, name: string, args: string, end: "done" | "failed" | "unknown") =>
  [
    { kind: "answer", text: "", calls: [{ id, name, arguments: args }], at: 1 },
    { kind: "result", callId: id, end, text: `result of ${id}`, at: 2 },
  ] as const satisfies readonly Step[];

const EDIT: Step = { kind: "edited", number: 1, causes: [messageId("1")], at: 3 };

function again(...steps: readonly Step[]): FollowedEdit {
  const { again, own } = sortSteps([...steps, EDIT]);
  assert.deepEqual(own, [], "the new turn begins without steps");
  assert.ok(again);
  return again;
}

/** The part of the rules that counts here. */
const rules = { tools: TOOLS, workflow: [] } as unknown as TurnRules;

describe("[H6a] doneBefore()", () => {
  it("finds calls that have changed something, or perhaps have", () => {
    const found = doneBefore(
      again(
        ...answered("a", "remind", '{"action":"set"}', "done"),
        ...answered("b", "web_search", "{}", "done"),
        ...answered("c", "discord", '{"action":"listPins"}', "done"),
        ...answered("d", "discord", '{"action":"createChannel"}', "unknown"),
        ...answered("e", "exec", "{}", "failed"),
        ...answered("f", "mcp__x__send", "{}", "done"),
        ...answered("g", "discord", '{"action":"memberInfo","userId":"1"}', "done"),
        ...answered("h", "discord", '{"action":"channelDelete","dryRun":true}', "done"),
        ...answered("i", "discord", '{"action":"channelDelete"}', "done"),
        ...answered(
          "j",
          "discord",
          '{"action":"sendMessage","text":"\\"action\\":\\"read"}',
          "done",
        ),
        ...answered("k", "remind", '{"action":"list"}', "done"),
        ...answered("l", "process", '{"action":"poll","job":1}', "done"),
        ...answered("m", "discord", "no JSON", "unknown"),
      ),
      TOOLS,
    );
    assert.deepEqual(found.map(({ call: { id } }) => id), ["a", "d", "f", "i", "j", "m"]);
  });

  it("tells the model, in a fence", () => {
    const text = withEditNote(
      "the question",
      again(...answered("a", "remind", "</result>", "done")),
      TOOLS,
      "b".repeat(8),
    );
    assert.match(text, /edited the message below after your answer/);
    assert.match(text, /stays done[^]*"tool":"remind"[^]*result of a/);
    assert.equal(text.split("</result>").length, 2);
    assert.doesNotMatch(withEditNote("", again(), TOOLS, "b".repeat(8)), /stays done/);
  });
});

describe("[H6a] rulesAfterEdit()", () => {
  it("leaves tools that change nothing, and no workflow", () => {
    const { tools, workflow } = rulesAfterEdit(rules);
    assert.deepEqual(tools.map(({ name }) => name), [
      "discord",
      "read_channel_history",
      "search_server",
      "recall",
      "memory",
      "remind",
      "read_skill",
      "web_fetch",
      "web_search",
      "code",
      "draw",
      "send_file",
      "read_file",
      "list_files",
      "process",
    ]);
    assert.equal(workflow, undefined);
  });

  it("runs no call of `discord` that changes something", async () => {
    const base = TOOLS.find(({ name }) => name === "discord");
    assert.ok(base);
    const tool = Object.create(base, { run: { value: () => Promise.resolve("seen") } });
    const [reading] = rulesAfterEdit({ ...rules, tools: [tool] }).tools;
    assert.ok(reading);
    assert.equal(reading.asks, undefined);
    assert.ok(reading.parameters && reading.input, "it looks the same to the model");
    assert.equal(await reading.run({ action: "memberInfo" }, toolContext()), "seen");
    for (const given of [{ action: "kick" }, { action: "unknown" }, {}]) {
      await assert.rejects(reading.run(given, toolContext()), /must ask in a new message/);
    }
  });

  it("knows of each action of `discord` whether it only reads", () => {
    const creates = ["forwardMessage"];
    for (const { name, reads, undo, isReadOnly } of ACTIONS) {
      const changes = reads === "nothing" || undo !== undefined || creates.includes(name);
      assert.equal(isReadOnly === true, !changes, name);
    }
  });
});

describe("[H6a] upToQuestion()", () => {
  const entry = (id: string) =>
    ({ role: "user", text: id, messageId: messageId(id), at: 0 }) as const;
  const claim = {
    message: guildMessage({ id: messageId("500") }),
    route: { agentId: "main", sessionKey: "s" },
    attempt: 2,
  };
  for (
    const [ids, left] of [
      [["100", "500", "600"], ["100"]],
      [["600", "500", "700"], ["600"]], // caught up: the transcript has its own order
      [["100", "600"], ["100"]], // its own entries are left out
      [["500"], []],
    ] as const
  ) {
    it(`${ids} › ${left}`, async () => {
      const store = upToQuestion(
        { entriesOf: () => Promise.resolve(ids.map(entry)) },
        claim,
      );
      const entries = await store.entriesOf("s", 10);
      assert.deepEqual(entries.map(({ messageId }) => String(messageId)), left);
    });
  }
});

describe("[H6a] withEditLine()", () => {
  const lineOf = (...revisions: readonly number[]) => {
    const [message, ...also] = revisions.map((revision) => guildMessage({ revision }));
    assert.ok(message);
    const home = { message, also, route: { agentId: "main", sessionKey: "s" }, attempt: 2 };
    const limits = { ...rules, texts: {}, chunks: { limit: 2_000 } } as unknown as TurnRules;
    const answer = { reply: { chunks: ["At nine."] } } as unknown as ReplyToSend;
    const { reply } = withEditLine(answer, again(), home, limits);
    return reply.chunks[0];
  };

  it("names the edit that it answers, so a sixth edit makes no claim of it false", () => {
    assert.equal(lineOf(50_000), "-# Answers the question as edited at <t:50:T>.\nAt nine.");
  });

  it("names the newest edit of several messages, and the followed one if none of them is edited", () => {
    assert.match(lineOf(0, 70_000, 60_000) ?? "", /<t:70:T>/);
    assert.match(lineOf(0, 0) ?? "", /<t:0:T>/);
  });
});
