import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ALLOW_ONCE,
  type Deciding,
  DENY,
  type Question,
  type StoredQuestion,
} from "../../../src/core/people/question.ts";
import { readWords } from "../../../src/flows/interactions/run_commands.ts";
import { approve } from "../../../src/interactions/commands/config.ts";
import { commandAccount, GRACE } from "../../support/bot/commands.ts";

function approval(code: string, fields: Partial<Question> = {}): StoredQuestion {
  const question = {
    ...{ kind: "approval", tool: "exec", text: "Run it?", facts: [], exact: '["ls","-l"]' },
    ...{ choices: [{ key: ALLOW_ONCE }, { key: DENY }], asked: [GRACE.id], ...fields },
  };
  return { id: 1, code, question, state: "open", createdAt: 0, expiresAt: 1 } as never;
}

async function build(...open: readonly StoredQuestion[]) {
  const asked: Deciding[] = [];
  const discord = { execApprovals: { enabled: true, approvers: [GRACE.id] } };
  const bot = await commandAccount({ discord });
  Object.assign(bot.store.questions, {
    open: () => Promise.resolve(open),
    decide(deciding: Deciding) {
      asked.push(deciding);
      const { answer, userId: decidedBy } = deciding;
      const [question] = open;
      const isOne = question?.question.choices.some(({ key }) => key === answer?.choice);
      const decided = { ...question, state: "answered", answer, decidedBy };
      return Promise.resolve(
        isOne ? { kind: "decided", question: decided } : { kind: "no_choice", question },
      );
    },
  });
  return { ...bot, asked, use: (values = {}) => bot.slash("approve", values) };
}

describe("[A4] [K2] /approve", () => {
  it("lists the approvals that wait for the asker, with the exact command of a single one", async () => {
    assert.equal(await (await build()).use(), "No command waits for your decision.");
    const others = [
      approval("BBBBBBBB", { asked: [] }),
      approval("CCCCCCCC", { kind: "ask", asked: "anyone" }),
    ];
    const one = await build(approval("AAAAAAAA"), ...others);
    assert.match(await one.use(), /`AAAAAAAA`\n```\n\["ls","-l"\]\n```$/);
    assert.deepEqual(await one.suggestions("approve", { id: "" }), [
      { name: 'AAAAAAAA · ["ls","-l"]', value: "AAAAAAAA" },
    ]);
    const two = await build(approval("AAAAAAAA"), approval("DDDDDDDD"));
    assert.match(await two.use(), /– `AAAAAAAA` `\["ls","-l"\]`\n– `DDDDDDDD`/);
  });

  it("decides by the ID, in the asker's name", async () => {
    const { use, asked } = await build(approval("AAAAAAAA"));
    assert.match(await use({ id: "aaaaaaaa", decision: "allow-once" }), /chose: Allow once/);
    assert.deepEqual(asked.map(({ userId, answer }) => [userId, answer]), [
      [GRACE.id, { choice: ALLOW_ONCE }],
    ]);
    assert.match(await use({ id: "AAAAAAAA", decision: "deny" }), /chose: Deny/);
    const always = await use({ id: "AAAAAAAA", decision: "allow-always" });
    assert.equal(always, "`AAAAAAAA` can only be allowed once, or denied.");
  });

  it("says if an ID is not open for the asker, and decides nothing", async () => {
    const { use, asked } = await build(
      approval("BBBBBBBB", { asked: [] }),
      approval("CCCCCCCC", { kind: "limit" }),
    );
    for (const id of ["AAAAAAAA", "BBBBBBBB", "CCCCCCCC"]) {
      const text = await use({ id, decision: "allow-once" });
      assert.equal(text, `\`${id}\` is unknown, decided or expired.`);
    }
    assert.deepEqual(asked, []);
  });

  it("[SEC-R20] denies, but does not allow, a command that is too long to show", async () => {
    const { use, asked } = await build(approval("AAAAAAAA", { exact: "x".repeat(3_000) }));
    assert.match(await use({ id: "AAAAAAAA", decision: "allow-once" }), /too long to show/);
    assert.deepEqual(asked, []);
    assert.match(await use({ id: "AAAAAAAA", decision: "deny" }), /chose: Deny/);
  });

  const orders: readonly [words: string, id?: string, decision?: string][] = [
    ["AAAAAAAA allow-once", "AAAAAAAA", "allow-once"],
    ["allow AAAAAAAA", "AAAAAAAA", "allow-once"],
    ["AAAAAAAA ALWAYS", "AAAAAAAA", "allow-always"],
    ["reject AAAAAAAA", "AAAAAAAA", "deny"],
    ["AAAAAAAA block", "AAAAAAAA", "deny"],
    ["AAAAAAAA", "AAAAAAAA"],
    ["AAAAAAAA maybe"],
    ["AAAAAAAA once twice"],
  ];
  for (const [words, id, decision] of orders) {
    it(`${id === undefined ? "takes no" : "reads"} “${words}”`, () => {
      const read = readWords(approve, approve.inOrder?.(words) ?? words);
      const options = { id, ...(decision && { decision }) };
      assert.deepEqual(read && { ...read.options }, id === undefined ? undefined : options);
    });
  }
});
