import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { priceOf } from "../../src/config/model_checks.ts";
import list from "../../src/config/prices.json" with { type: "json" };
import { budgetText, budgetUses, ofAgent, type Price } from "../../src/core/spending/budget.ts";
import { load, loadedOf } from "./support.ts";

const HOSTED = "https://api.openai.com/v1";
const MINI = { input: 0.25, output: 2, cached: 0.025 };
const FREE = { input: 0, output: 0, audioMinute: 0, image: 0 };

describe("[L5] priceOf()", () => {
  const OWN = { "gpt-5-mini": { input: 1, output: 1 } };
  const cases: readonly (readonly [model: string, Price | undefined, {
    readonly baseUrl?: string;
    readonly prices?: Readonly<Record<string, Price>>;
    readonly currency?: string;
  }])[] = [
    ["gpt-5-mini", MINI, {}],
    ["gpt-5-mini-2025-08-07", MINI, {}],
    ["gpt-5-mini", undefined, { currency: "EUR" }],
    ["gpt-5-mini", OWN["gpt-5-mini"], { prices: OWN, currency: "EUR" }],
    ["gpt-5-mini", undefined, { baseUrl: "https://proxy.example.com/v1" }],
    ["gpt-5-mini", FREE, { baseUrl: "http://127.0.0.1:9/v1" }],
    ["gpt-5-mini", { ...FREE, input: 1, output: 1 }, { baseUrl: "http://[::1]/v1", prices: OWN }],
    ["gpt-99", undefined, {}],
    ["openai/gpt-5-mini", MINI, { baseUrl: "https://openrouter.ai/api/v1" }],
    ["openai/gpt-5-mini:free", undefined, { baseUrl: "https://openrouter.ai/api/v1" }],
    ["anthropic/claude-haiku-4.5", { input: 1, output: 5, cached: 0.1 }, {
      baseUrl: "https://openrouter.ai/api/v1",
    }],
    ["claude-haiku-4-5-20251001", { input: 1, output: 5, cached: 0.1 }, {
      baseUrl: "https://api.anthropic.com/v1",
    }],
  ];
  for (const [model, price, { baseUrl = HOSTED, prices, currency }] of cases) {
    it(`prices ${model} at ${baseUrl}, ${JSON.stringify({ prices, currency })}`, () => {
      const kind = "openai-compatible";
      const provider = { id: "mine", kind, baseUrl, headers: {}, prices } as const;
      assert.deepEqual(priceOf({ provider, model }, currency), price);
    });
  }

  it("has a list whose makers name their sources, and whose answers cost no less than requests", () => {
    for (const { sources, prices } of Object.values(list.makers)) {
      assert.match(sources, /\d{4}-\d\d/);
      for (const [name, price] of Object.entries<Price>(prices)) {
        const { input = 0, output = 0, cached = 0 } = price;
        assert.ok(cached <= input && (input <= output || output === 0), name);
      }
    }
  });
});

describe("[L5] [X4] costProblems()", () => {
  const KEY = { OPENAI_API_KEY: "k" };
  const mine = (prices: object = {}) => ({
    providers: { mine: { kind: "openai-compatible", baseUrl: "https://x.example/v1", prices } },
  });
  const agents = (model: string) => ({ agents: { defaults: { model } } });
  const LIMIT = { budgets: { total: { moneyPerMonth: 5 } } };
  const one = { input: 1, output: 1 };
  const cases: readonly (readonly [title: string, config: object, missed?: string])[] = [
    ["a listed model", { ...agents("openai/gpt-5-mini"), ...LIMIT }],
    ["an unknown model", { ...agents("openai/gpt-99"), ...LIMIT }, "openai/gpt-99"],
    ["a model with a price", { ...agents("mine/a"), models: mine({ a: one }), ...LIMIT }],
    ["audio without a price for each minute", {
      ...agents("openai/gpt-5"),
      models: mine({ hear: one }),
      audio: { transcribe: "mine/hear" },
      ...LIMIT,
    }, "mine/hear"],
    ["a model on this machine", { ...agents("ollama/x"), ...LIMIT }],
  ];
  for (const [title, config, missed] of cases) {
    for (const env of [KEY, {}]) {
      it(`warns of what a limit of money misses: ${title}, ${JSON.stringify(env)}`, async () => {
        const { problems, config: { budgets } } = await loadedOf(JSON.stringify(config), { env });
        const why = missed && `this limit does not count ${missed}: no price is known`;
        const warned = problems.filter(({ path }) => path.startsWith("budgets"));
        assert.deepEqual(
          warned.map(({ severity, path, message }) => [severity, path, message]),
          why ? [["warning", "budgets.total.moneyPerMonth", why]] : [],
        );
        const none = { tokens: 0, micros: 0, audioSec: 0, unpriced: 2 };
        const spent = { day: none, month: none };
        const by = { user: spent, agent: spent, total: spent };
        for (const use of budgetUses(budgets, ofAgent("main"), by)) {
          if (use.unit !== "money") continue;
          assert.equal(
            budgetText(use),
            `0.00 of 5.00 this month${why ? `; ${why}` : ""}; 2 requests without a price`,
          );
        }
      });
    }
  }

  it("warns at each limit of money, also of roles and hooks, and of a model without any limit", async () => {
    const told = async (config: object, env = {}) =>
      (await load(JSON.stringify(config), { env })).problems
        .filter(({ message }) => /price/.test(message)).map(({ path, message }) => [path, message]);
    const money = { moneyPerDay: 1 };
    const limited = {
      ...agents("openai/gpt-99"),
      budgets: { perUser: money, perRole: { ["123456789012345678"]: { moneyPerMonth: 0 } } },
      hooks: { ci: { to: "channel:123456789012345678", secret: "s".repeat(40), ...money } },
    };
    assert.deepEqual((await told(limited)).map(([path]) => path), [
      "budgets.perUser.moneyPerDay",
      "budgets.perRole.123456789012345678.moneyPerMonth",
      "hooks.ci.moneyPerDay",
    ]);
    const ofEnv = { ...KEY, OPENAI_MODEL: "gpt-99" };
    assert.deepEqual(await told({}, ofEnv), [
      ["budgets", "openai/gpt-99: may cost money, with neither price nor limit"],
    ]);
    assert.deepEqual(await told({}, { ...KEY, OPENAI_MODEL: "gpt-5-mini" }), []);
  });
});
