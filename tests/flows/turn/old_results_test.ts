import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Step } from "../../../src/core/step.ts";
import { readSteps, withoutOldResults } from "../../../src/flows/turn/gather.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const AT = Date.UTC(2026, 0, 2);
const MINUTE = 60_000;
const channelId = "1390000000000000099";
const FOUND = "the words of staff";

function called(
  name: string,
  at = AT,
  end: "done" | "failed" = "done",
  given: object = {},
): readonly Step[] {
  const call = { id: "1", name, arguments: JSON.stringify(given) };
  return [
    { kind: "answer", text: "", calls: [call], at },
    { kind: "result", callId: "1", end, text: FOUND, at },
  ];
}

/** A reading of another channel. */
const elsewhere = (at: number, end?: "failed") =>
  called("read_channel_history", at, end, { channelId });

const message = guildMessage();
const textsOf = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap((step) => {
    return step.kind === "result" ? step.text : [];
  });

describe("[SEC-R4] withoutOldResults()", () => {
  const cases:
    readonly (readonly [what: string, steps: readonly Step[], shown: readonly boolean[]])[] = [
      ["an hour ago", elsewhere(AT - 60 * MINUTE), [false]],
      ["five minutes ago", elsewhere(AT - 5 * MINUTE), [false]],
      ["a moment ago", elsewhere(AT - 4 * MINUTE), [true]],
      ["before the clock was set back", elsewhere(AT + 60 * MINUTE), [false]],
      ["a call that failed", elsewhere(AT - 60 * MINUTE, "failed"), [true]],
      ...[{ channelId }, { action: "readMessages", channelId }, { action: "searchMessages" }].map(
        (given) => {
          const name = "action" in given ? "discord" : "read_channel_history";
          const steps = called(name, AT - 60 * MINUTE, "done", given);
          return [`another channel: ${JSON.stringify(given)}`, steps, [false]] as const;
        },
      ),
      ["its own channel", called("read_channel_history", AT - 60 * MINUTE), [true]],
      [
        "a forward",
        called("discord", AT - 60 * MINUTE, "done", { action: "forwardMessage", channelId }),
        [true],
      ],
      ["a note", called("memory", AT - 60 * MINUTE), [true]],
      ["another tool", called("web_search", AT - 60 * MINUTE), [true]],
      [
        "calls with the same id in two answers",
        [...elsewhere(AT - 60 * MINUTE), ...called("exec", AT - 60 * MINUTE)],
        [false, true],
      ],
    ];
  for (const [what, steps, shown] of cases) {
    it(`${shown.every(Boolean) ? "shows" : "withholds"} the result of ${what}`, () => {
      const texts = textsOf(withoutOldResults(steps, message, AT));
      assert.deepEqual(texts.map((text) => text === FOUND), shown);
      for (const text of texts) assert.match(text, /^the words of staff$|^\[out of date: .*\]$/);
    });
  }

  it("is part of each reading of a stored turn", async () => {
    const { account, store } = await testAccount({ clock: new FakeClock(AT) });
    Object.assign(store.turns, { stepsOf: () => Promise.resolve(elsewhere(AT - 60 * MINUTE)) });
    const { own } = await readSteps(account, message);
    assert.doesNotMatch(JSON.stringify(own), /the words of staff/);
  });
});
