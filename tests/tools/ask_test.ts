import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Decision } from "../../src/core/people/question.ts";
import { ask } from "../../src/tools/ask.ts";
import { bareAccount } from "../support/account.ts";
import { guildMessage, userId } from "../support/discord/builders.ts";
import { toolContext } from "../support/model/tools.ts";

const { sender: { id: ASKER } } = guildMessage();
const BOB = userId("987654321098765432");
const account = bareAccount({ config: () => ({ tools: { askExpiresMin: 5 } }) as never });
const given = (more: object = {}) =>
  ask.input.parse({ question: "Tea?", options: ["tea", "coffee"], ...more });

describe("[T10] ask", () => {
  it("asks the asker, anyone, or a person whom the message mentions, and no one else", async () => {
    const rows = [
      [undefined, "", [ASKER]],
      ["asker", "", [ASKER]],
      [ASKER, "", [ASKER]],
      ["anyone", "", "anyone"],
      [`<@${BOB}>`, `with <@${BOB}>`, [BOB]],
      [BOB, `with <@!${BOB}>`, [BOB]],
      [BOB, `with ${BOB}`, undefined],
      ["bob", "with bob", undefined],
    ] as const;
    for (const [to, text, asked] of rows) {
      const context = toolContext({ account, message: guildMessage({ text }) });
      const question = await ask.asks?.(given({ to, upTo: 9 }), context);
      assert.deepEqual(question?.asked, asked, `${to} ${text}`);
      const { choices, timeoutMs, upTo } = question ?? {};
      const keys = choices?.map(({ key, label }) => `${key} ${label}`);
      if (asked) assert.deepEqual([keys, timeoutMs, upTo], [["0 tea", "1 coffee"], 300_000, 2]);
    }
  });

  it("tells the model the answer, or why there is none", async () => {
    const run = (decision?: Decision) =>
      Promise.try(() => ask.run(given({ to: "bob" }), toolContext({ decision })));
    await assert.rejects(run(), /cannot ask "bob": name the asker/);
    await assert.rejects(run({ kind: "expired" }), /no one answered in time/);
    await assert.rejects(run({ kind: "withdrawn" }), /reached no one/);
    const answered = async (answer: object) =>
      JSON.parse(await run({ kind: "answered", answer, by: BOB } as Decision));
    assert.deepEqual(await answered({ choice: "1" }), { answer: "coffee", by: BOB });
    assert.deepEqual(await answered({ choice: "milk" }), { answer: "milk", by: BOB });
    const several = { choice: "", several: ["0", "1"] };
    assert.deepEqual(await answered(several), { answer: ["tea", "coffee"], by: BOB });
  });

  it("takes different options, and at most 25 in a menu", () => {
    const options = Array.from({ length: 26 }, (_, at) => `${at}`);
    assert.throws(() => given({ options: ["a", "a"] }), /must differ/);
    assert.throws(() => given({ options, upTo: 2 }), /upTo needs|too_big/);
    assert.ok(given({ options: options.slice(1), upTo: 2 }));
  });
});
