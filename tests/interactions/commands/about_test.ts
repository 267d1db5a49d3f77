import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ANSWER_MAX } from "../../../src/interactions/base/command.ts";
import { ADA, commandAccount, GRACE } from "../../support/bot/commands.ts";
import { HEALTHY, READY, SERVING } from "../../support/bot/health.ts";
import type { Given } from "../../support/bot/test_account.ts";
import { CHANNEL, GUILD } from "../../support/discord/payloads.ts";

const OPEN = {
  dm: { policy: "open", allowFrom: ["*"] },
  guilds: { [GUILD]: { requireMention: false } },
};
const TWO = {
  agents: { list: [{ id: "main", name: "Quill" }, { id: "other" }] },
  commands: { ownerAllowFrom: [`discord:${GRACE.id}`] },
};
const told = async (given: Given = {}) => await commandAccount({ discord: OPEN, ...given });

describe("[K2] /help", () => {
  it("lists the offered commands within one answer", async () => {
    const { slash } = await told();
    const text = await slash("help", {}, { as: ADA });
    assert.match(text, /\n\*\*Owners:\*\*\n[^*]*`\/pause` Pause me everywhere, or let me go on/);
    assert.doesNotMatch(text, /\n\n|`\/(?:join|config|mcp|signins)`/);
    assert.ok(text.length <= ANSWER_MAX, `${text.length} characters`);
    assert.equal(await slash("commands"), text);
  });
});

describe("[K2] /whoami", () => {
  it("shows the ids of person, guild and channel", async () => {
    const { slash } = await told();
    const text = await slash("whoami", {}, { as: ADA, in: "guild" });
    for (const id of [ADA.id, GUILD, CHANNEL]) assert.ok(text.includes(id), id);
  });
});

describe("[K2] [L5] /usage", () => {
  it("shows the asker's own tokens and money of today and of the month, and their limits", async () => {
    const budgets = { perUser: { tokensPerMonth: 5_000 }, total: { moneyPerDay: 0.5 } };
    const { slash, dm, pass } = await told({ beside: { budgets, models: { currency: "EUR" } } });
    await dm("hello");
    const own = "812 + 20 tokens (0 % cached), 0.60 EUR";
    const first = await slash("usage", {}, { as: ADA });
    assert.equal(
      first.replace(/<t:\d+:R>/, "soon"),
      `Today: ${own}. This month: ${own}. The next day begins soon.\n` +
        "Limit: 832 of 5000 tokens this month.\nLimit: 0.60 of 0.50 EUR today.",
    );
    await pass(86_400_000);
    const none = "0 + 0 tokens (0 % cached)";
    assert.match(
      await slash("usage", {}, { as: ADA }),
      new RegExp(`^Today: ${none.replace(/[()+]/g, "\\$&")}\\. This month: 812`),
    );
    assert.match(await slash("usage"), /This month: 0 /);
  });
});

describe("[K2] /status", () => {
  const at = HEALTHY.startedAt;
  const healthy = async (given: Given = {}) => {
    const bot = await told(given);
    const connection = { ...READY, readyAt: bot.clock.now() - 2 * 3_600_000 };
    Object.assign(bot.account.health, { snapshot: () => ({ ...SERVING, connection }) });
    return bot;
  };

  it("shows version, model, connection and the asker's own use", async () => {
    const { slash } = await healthy();
    assert.match(
      await slash("status", {}, { as: ADA }),
      /^Barnacle \S+, answering with `test\/model`\. Online for 2 h 0 min, heartbeat 42 ms\.\nYour use today: 0 \+ 0 tokens \(0 % cached\)\.$/,
    );
  });

  it("[X4] shows an owner the use by all people, warnings, and spent budgets of all", async () => {
    const budgets = { total: { tokensPerDay: 10 }, perUser: { tokensPerDay: 9 } };
    const { slash, dm, account } = await healthy({ beside: { budgets } });
    await dm("hello");
    const findings = [{ id: "a", what: "Permissions", status: "warn", why: "#general", fix: "x" }];
    Object.assign(account.health, { snapshot: () => ({ ...SERVING, findings }) });
    const lines = (await slash("status")).split("\n");
    assert.match(lines[1] ?? "", /^Your use today: 0 \+ 0 tokens/);
    assert.match(lines[2] ?? "", /^Everyone's use today: 812 \+ 20 tokens/);
    const spent = "⚠️ The budget `budgets.total.tokensPerDay` is spent: 832 of 10 tokens today";
    assert.equal(lines[3], spent);
    assert.match(lines.slice(4).join(), /^⚠️ .*#general/);
    assert.doesNotMatch(await slash("status", {}, { as: ADA }), /spent|⚠️|Everyone/);
  });

  it("[N1] names the agent that answers here, if there are several", async () => {
    const { slash } = await healthy({ beside: TWO });
    for (const name of ["status", "context", "settings"]) {
      assert.match(await slash(name), /^(?:Barnacle .*\n)?The agent here: Quill\.$/m, name);
    }
    assert.equal(await slash("agents"), "`Quill`: `test/model`\n`other`: `test/model`");
  });

  it("fits into a message, however many warnings there are", async () => {
    const { slash, account } = await healthy();
    const one = {
      id: "a",
      what: "Permissions",
      status: "warn",
      why: "#general".repeat(9),
      fix: "x",
    };
    Object.assign(account.health, {
      snapshot: () => ({ ...SERVING, findings: Array(100).fill(one) }),
    });
    assert.ok((await slash("status")).length <= 2_000);
  });

  it("shows the start of the model's failure, in the reader's time zone, and the fallback", async () => {
    const { slash, account } = await healthy();
    const model = { id: "test/model", openAt: at };
    const known = { model, fallback: { id: "openai/gpt" } };
    Object.assign(account.health, { models: () => [known] });
    const text = await slash("status");
    assert.match(text, /answering with `openai\/gpt`/);
    assert.ok(
      text.includes(`\n\`test/model\` has been failing since <t:${at / 1_000}:R>.\n`),
      text,
    );
  });
});

describe("[L4] [K2] /context", () => {
  it("shows how full the window is, and where its size comes from", async () => {
    const { slash, account, dm } = await told({ says: () => "x".repeat(3_000) });
    const window = { contextWindow: 6_000, maxOutput: 100, from: "config" } as const;
    Object.assign(account.settings.models.of("main"), { window });
    await dm("hello");
    const lines = (await slash("context", {}, { as: ADA })).split("\n");
    assert.match(
      lines[0] ?? "",
      /^2 messages and answers of this conversation fill \d{2,3} % .* of \d+ tokens\.$/,
    );
    assert.match(lines[1] ?? "", /^My model reads 6000 tokens at most, .*: set in my config\.$/);
  });

  it("tells what is folded, and that the model gave no summary", async () => {
    const { slash, store } = await told();
    const folded = { entries: 8, messages: 4, summaryChars: 100, at: 1_749_999_940_000 };
    Object.assign(store.sessions, {
      foldedOf: () => Promise.resolve({ ...folded, isPlain: true }),
    });
    assert.match(
      await slash("context"),
      /\n4 earlier messages are folded since <t:1749999940:R>, without my model/,
    );
    Object.assign(store.sessions, { foldedOf: () => Promise.resolve(folded) });
    assert.match(await slash("context"), /\n4 earlier messages are folded into a summary since/);
  });
});
