import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dayOf } from "../../../src/core/spending/usage.ts";
import type { SlashCommand } from "../../../src/core/inbound/interactions.ts";
import { usage } from "../../../src/interactions/commands/about.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

const NOW = Date.UTC(2026, 10, 21, 12);

describe("[K2] [L5] /usage", () => {
  it("shows the asker's own tokens and money of today and of the month", async () => {
    const asked: unknown[] = [];
    const sum = (fromDay: number, userId?: string) => {
      asked.push([dayOf(NOW) - fromDay, userId]);
      return Promise.resolve({
        requests: 2,
        inputTokens: 1_000,
        cachedTokens: 900,
        outputTokens: 50,
        micros: 20_000,
        unpriced: asked.length - 1,
      });
    };
    const context = interactionContext({
      store: { usage: { sum } },
      currency: () => "EUR",
      budgets: () =>
        Promise.resolve(
          ["perUser.tokensPerMonth", "perGuild.tokensPerDay", "total.moneyPerDay"].map(
            (key) => ({
              rule: `budgets.${key}`,
              unit: key.includes("money") ? "money" : "tokens",
              used: 4,
              limit: key.includes("money") ? 4 : 5,
            }),
          ),
        ),
      now: () => NOW,
    });
    const text = await usage.run({ sender: { id: "7" } } as unknown as SlashCommand, context);
    assert.equal(
      text,
      "Today: 1000 + 50 tokens (90 % cached), 0.020 EUR. This month: 1000 + 50 tokens (90 % cached), " +
        "at least 0.020 EUR. The next day begins <t:1795305600:R>.\n" +
        "Limit: 4 of 5 tokens this month.\nLimit: 4.00 of 4.00 EUR today.",
    );
    assert.deepEqual(asked, [[0, "7"], [20, "7"]]);
  });
});
