import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OptionTyping } from "../../../src/core/inbound/interactions.ts";
import {
  ALLOW_ONCE,
  type Deciding,
  DENY,
  type Question,
  type StoredQuestion,
} from "../../../src/core/people/question.ts";
import { readWords } from "../../../src/interactions/base/words.ts";
import { approve } from "../../../src/interactions/commands/approve.ts";
import { callOf } from "../../support/discord/calls.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

const ME = callOf("approve").sender.id;

function approval(code: string, fields: Partial<Question> = {}): StoredQuestion {
  const question: Question = {
    kind: "approval",
    tool: "exec",
    text: "Run it?",
    facts: [],
    exact: '["ls","-l"]',
    choices: [{ key: ALLOW_ONCE }, { key: DENY }],
    asked: [ME],
    where: "direct",
    timeoutMs: 1,
    ...fields,
  };
  const { accountId, channelId } = callOf("approve");
  return {
    ...{ id: 1, accountId, code, messageId: "7" as StoredQuestion["messageId"], channelId },
    ...{ question, state: "open", createdAt: 0, expiresAt: 1 },
  };
}

function build(...open: readonly StoredQuestion[]) {
  const asked: Deciding[] = [];
  const context = interactionContext({
    questions: {
      open: () => Promise.resolve(open),
      decide(deciding) {
        asked.push(deciding);
        const code = "code" in deciding.by ? deciding.by.code : "";
        const question = open.find((one) => one.code === code);
        if (!question || !deciding.answer) return Promise.resolve({ kind: "unknown" });
        const { answer, userId: decidedBy = ME } = deciding;
        return Promise.resolve(
          question.question.choices.some(({ key }) => key === answer.choice)
            ? { kind: "decided", question: { ...question, state: "answered", answer, decidedBy } }
            : { kind: "no_choice", question },
        );
      },
    },
  });
  const use = async (options: Record<string, string> = {}) =>
    String(await approve.run(callOf("approve", { options }), context));
  return { use, asked, context };
}

describe("[A4] [K2] /approve", () => {
  it("lists the approvals that wait for the asker, with the exact command of a single one", async () => {
    assert.equal(await build().use(), "No command waits for your decision.");
    const other = approval("BBBBBBBB", { asked: [] });
    const ask = approval("CCCCCCCC", { kind: "ask", asked: "anyone" });
    assert.match(
      await build(approval("AAAAAAAA"), other, ask).use(),
      /`AAAAAAAA`\n```\n\["ls","-l"\]\n```$/,
    );
    assert.match(
      await build(approval("AAAAAAAA"), approval("DDDDDDDD")).use(),
      /– `AAAAAAAA` `\["ls","-l"\]`\n– `DDDDDDDD`/,
    );
  });

  it("decides by the ID, in the asker's name", async () => {
    const { use, asked } = build(approval("AAAAAAAA"));
    const text = await use({ id: "aaaaaaaa", decision: "allow-once" });
    assert.match(text, /chose: Allow once/);
    assert.deepEqual(asked.map(({ userId, answer }) => [userId, answer]), [
      [ME, { choice: ALLOW_ONCE }],
    ]);
    assert.match(await use({ id: "AAAAAAAA", decision: "deny" }), /chose: Deny/);
  });

  it("says if an ID is not open for the asker, and decides nothing", async () => {
    const { use, asked } = build(
      approval("BBBBBBBB", { asked: [] }),
      approval("CCCCCCCC", { kind: "limit" }),
    );
    for (const id of ["AAAAAAAA", "BBBBBBBB", "CCCCCCCC"]) {
      const text = await use({ id, decision: "allow-once" });
      assert.equal(text, `\`${id}\` is unknown, decided or expired.`);
    }
    assert.deepEqual(asked, []);
  });

  it("allows nothing for good that may be allowed once only", async () => {
    const { use } = build(approval("AAAAAAAA"));
    const text = await use({ id: "AAAAAAAA", decision: "allow-always" });
    assert.equal(text, "`AAAAAAAA` can only be allowed once, or denied.");
  });

  it("[SEC-R20] denies, but does not allow, a command that is too long to show", async () => {
    const { use, asked } = build(approval("AAAAAAAA", { exact: "x".repeat(3_000) }));
    assert.match(await use({ id: "AAAAAAAA", decision: "allow-once" }), /too long to show/);
    assert.deepEqual(asked, []);
    assert.match(await use({ id: "AAAAAAAA", decision: "deny" }), /chose: Deny/);
  });

  const orders: readonly [words: string, id: string, decision: string | undefined][] = [
    ["AAAAAAAA allow-once", "AAAAAAAA", "allow-once"],
    ["allow AAAAAAAA", "AAAAAAAA", "allow-once"],
    ["AAAAAAAA ALWAYS", "AAAAAAAA", "allow-always"],
    ["reject AAAAAAAA", "AAAAAAAA", "deny"],
    ["AAAAAAAA block", "AAAAAAAA", "deny"],
    ["AAAAAAAA", "AAAAAAAA", undefined],
  ];
  for (const [words, id, decision] of orders) {
    it(`reads “${words}”`, () => {
      const read = readWords(approve, approve.inOrder?.(words) ?? words);
      assert.deepEqual({ ...read?.options }, { id, ...(decision && { decision }) });
    });
  }

  it("takes no other words", () => {
    for (const words of ["AAAAAAAA maybe", "AAAAAAAA once twice"]) {
      assert.equal(readWords(approve, approve.inOrder?.(words) ?? words), undefined);
    }
  });

  it("suggests the approvals that wait for the asker", async () => {
    const { context } = build(approval("AAAAAAAA"), approval("BBBBBBBB", { asked: [] }));
    const typed = { option: "id", text: "" };
    const typing = { ...callOf("approve"), kind: "typing", typed } as unknown as OptionTyping;
    assert.deepEqual(await approve.options![0]?.suggest?.(typing, context), [
      { name: 'AAAAAAAA · ["ls","-l"]', value: "AAAAAAAA" },
    ]);
  });
});
