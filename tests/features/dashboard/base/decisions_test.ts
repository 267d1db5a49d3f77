import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outcomeOf } from "../../../../src/features/dashboard/base/decisions.tsx";
import { ACCOUNT } from "../../../support/discord/builders.ts";
import { toAccountId } from "../../../../src/core/discord/ids.ts";

type Given = Parameters<typeof outcomeOf>[0];

const ROWS: readonly (readonly [given: Partial<Given>, shown: string])[] = [
  [{ verdict: "ignore" }, "plain ignored"],
  [{ verdict: "challenge" }, "warn pairing"],
  [{ verdict: "undecided" }, "plain undecided"],
  [{ state: undefined }, "plain accepted"],
  [{ state: "waiting" }, "plain waiting"],
  [{ state: "waiting", asksPerson: true }, "warn waits for a person"],
  [{ state: "running" }, "plain answering"],
  [{ state: "answered" }, "good answered"],
  [{ state: "answered", unsent: "pending" }, "plain sending"],
  [{ state: "answered", unsent: "sending" }, "plain sending"],
  [{ state: "answered", unsent: "dead" }, "bad not delivered"],
  [{ state: "answered", unsent: "uncertain" }, "bad not delivered"],
  [{ state: "answered", answeredBy: toAccountId("other") }, "plain other answers it"],
  [{ state: "declined" }, "plain no answer"],
  [{ state: "refused" }, "warn refused"],
  [{ state: "failed" }, "bad failed"],
  [{ state: "cancelled" }, "plain deleted or edited"],
  [{ state: "stopped" }, "plain stopped"],
  [{ state: "interrupted" }, "plain followed by another"],
];

describe("[O6] the outcome of a message", () => {
  for (const [given, shown] of ROWS) {
    it(`is "${shown}" for ${JSON.stringify(given)}`, () => {
      const facts: Given = {
        verdict: "accept",
        accountId: ACCOUNT,
        answeredBy: ACCOUNT,
        state: "waiting",
        unsent: undefined,
        asksPerson: false,
        ...given,
      };
      assert.equal(outcomeOf(facts).join(" "), shown);
    });
  }
});
