import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Bot } from "../../../src/account/account.ts";
import { readBudgets } from "../../../src/bot/process/slow_checks.ts";
import { chargeOf, usedBy } from "../../../src/core/spending/budget.ts";
import { GUILD, GUILD_SNAPSHOT, HELP } from "../../cli/data_fixture.ts";
import { ACCOUNT, guildMessage } from "../../support/discord/builders.ts";
import { batch, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 10, 21, 12);

describe("[X4] readBudgets()", () => {
  it("has the budgets of all, and names a guild with a spent one", async () => {
    const { store } = openTestStore();
    await store.gateway.saveIntents(ACCOUNT, 0); // the account has been online
    await store.inbox.acceptBatch(batch({ guilds: [GUILD_SNAPSHOT] }), NOW);
    const message = guildMessage({ channelId: HELP, guildId: GUILD });
    const spend = () =>
      store.usage.add([
        chargeOf(
          { inputTokens: 9, outputTokens: 1 },
          "a/x",
          "answer",
          usedBy(message, "main"),
          5,
          NOW,
        ),
      ]);
    const config = {
      budgets: {
        perUser: { tokensPerDay: 1 },
        perRole: {},
        perGuild: { tokensPerMonth: 20 },
        perAgent: {},
        total: { tokensPerDay: 100 },
      },
      agentList: [{ id: "main" }],
    };
    const read = () => readBudgets({ store, setup: { config }, now: () => NOW } as unknown as Bot);
    spend();
    assert.deepEqual((await read()).map(({ rule }) => rule), ["budgets.total.tokensPerDay"]);
    spend();
    assert.deepEqual((await read()).map(({ rule, of, name }) => [rule, of, name]), [
      ["budgets.total.tokensPerDay", undefined, undefined],
      ["budgets.perGuild.tokensPerMonth", GUILD, "Friends of Barnacle"],
    ]);
  });
});
