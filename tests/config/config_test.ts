import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { z } from "zod";
import { priceOf } from "../../src/config/model_checks.ts";
import list from "../../src/config/prices.json" with { type: "json" };
import {
  defaultOf,
  defaultText,
  exampleOf,
  jsonOnOneLine,
  type ReferenceKey,
  referenceKeys,
} from "../../src/config/reference.ts";
import { effectiveValues } from "../../src/config/schema/accounts.ts";
import { docOf, isSecret, schemaAt } from "../../src/config/schema/parts/key.ts";
import { Secret } from "../../src/config/schema/parts/secrets.ts";
import { configSchema } from "../../src/config/schema/root.ts";
import { type Segment, valueAt } from "../../src/config/text/edit.ts";
import { budgetText, budgetUses, ofAgent, type Price } from "../../src/core/spending/budget.ts";
import { sameData } from "../support/same_data.ts";
import { configOf, load, loadedOf } from "./support.ts";

/** All keys in sections, so that their path is a path of the config. */
function plainKeys(keys: readonly ReferenceKey[]): readonly ReferenceKey[] {
  return keys.flatMap((key) => key.isSection ? plainKeys(key.keys) : [key]);
}

function configWith(path: readonly string[], value: unknown): string {
  return JSON.stringify(path.reduceRight((inner: unknown, name) => ({ [name]: inner }), value));
}

/** Keys for an editor, for a platform without a section, and of other accounts. */
const UNREAD = /^(?:\$schema$|channels\.defaults\.|channels\.discord\.accounts$)/;
/** Keys whose example removes the value, or the whole section. */
const SWITCHED_OFF = new Set(["messages.ackReaction", "exec.mode"]);
const ADDRESSES = new Map([["alerts.webhook", "https://a.example/"]]);
const KEYS = plainKeys(referenceKeys(configSchema)).filter(({ path }) => !UNREAD.test(path));
const WORLD = {
  env: {
    DISCORD_BOT_TOKEN: "t",
    OPENAI_API_KEY: "k",
    HOME_ASSISTANT_TOKEN: "h".repeat(32),
    UPTIME_SECRET: "x".repeat(40),
  },
  files: { second_token: "t2" },
};

describe("[C4] the config that the program reads", () => {
  it("has each written key at its place, without code of its own", async () => {
    assert.ok(KEYS.length > 100);
    for (const key of KEYS) {
      const path = key.path.split(".");
      const secret = `${ADDRESSES.get(key.path) ?? ""}${"x".repeat(40)}`;
      const written = isSecret(key.schema) ? secret : exampleOf(key) ?? {};
      const config = await configOf(configWith(path, written), WORLD);
      const place: readonly Segment[] = path[0] === "channels"
        ? ["discord", ...path.slice(2)]
        : path;
      const value = valueAt(config, place);
      if (!SWITCHED_OFF.has(key.path)) assert.notEqual(value, undefined, key.path);
      if (isSecret(key.schema)) assert.ok(value instanceof Secret, key.path);
    }
  });

  it("shows the same values if a file writes out all of them", async () => {
    for (const key of KEYS.filter(({ schema }) => !isSecret(schema))) {
      const text = configWith(key.path.split("."), exampleOf(key) ?? {});
      const { written } = await loadedOf(text, WORLD);
      const shown = JSON.parse(JSON.stringify(effectiveValues(written)));
      sameData(JSON.parse(JSON.stringify(effectiveValues(shown))), shown);
    }
  });
});

/** Pages whose examples are whole files. */
const PAGES = ["agent", "agents", "exec", "mcp", "memory", "models", "skills", "access", "upkeep"]
  .map((name) => `docs/${name}.md`);

describe("[C1] examples of the documents", () => {
  for (const page of PAGES) {
    const text = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
    const examples = [...text.matchAll(/```jsonc\n([^]*?)```/g)].map(([, example = ""]) => example);
    for (const [at, example] of examples.entries()) {
      it(`${page} › example ${at + 1} is valid`, async () => {
        await loadedOf(example);
      });
    }
  }
});

function all(keys: readonly ReferenceKey[]): readonly ReferenceKey[] {
  return keys.flatMap((key) => [key, ...all(key.keys)]);
}

const REFERENCE_KEYS = all(referenceKeys(configSchema));

function keyAt(path: string): ReferenceKey {
  const key = REFERENCE_KEYS.find((key) => key.path === path);
  assert.ok(key, path);
  return key;
}

describe("[C4] referenceKeys()", () => {
  it("inherits task and effect from the section", () => {
    const { task, takesEffect } = keyAt("channels.discord.gateway.reconnect.maxRetries");
    assert.deepEqual({ task, takesEffect }, { task: "connection", takesEffect: "reconnect" });
    assert.equal(keyAt("store.retention.mediaDays").takesEffect, "restart");
    assert.equal(keyAt("channels.discord.guilds.<guild>.users").takesEffect, "now");
  });

  it("lets a key override its section", () => {
    assert.equal(keyAt("messages.maxChunks").task, "replies");
    assert.equal(keyAt("agents.defaults.model").task, "models");
  });

  it("gives every key at the top a task, or all keys below it", () => {
    for (const key of REFERENCE_KEYS.filter(({ isSection }) => !isSection)) {
      const names = key.path.replaceAll("[]", ".0").split(".");
      const tasks = names.map((_, index) => {
        const schema = schemaAt(configSchema, names.slice(0, index + 1));
        return schema && docOf(schema)?.task;
      });
      assert.ok(tasks.some((task) => task !== undefined), key.path);
    }
  });

  it("does not repeat the keys of an account", () => {
    assert.equal(
      REFERENCE_KEYS.some(({ path }) => path.startsWith("channels.discord.accounts.")),
      false,
    );
  });
});

describe("[C4] exampleOf()", () => {
  const values = REFERENCE_KEYS.filter(({ isSection }) => !isSection);
  for (const key of values) {
    it(`gives ${key.path} a valid value other than its default`, () => {
      const example = exampleOf(key);
      assert.notEqual(example, undefined);
      assert.ok(z.safeParse(key.schema, example).success, jsonOnOneLine(example));
      assert.notDeepEqual(example, defaultOf(key.schema));
    });
  }
});

const UNITS: Readonly<Record<string, RegExp>> = {
  Sec: /^seconds$/,
  Min: /^minutes$/,
  Ms: /^milliseconds$/,
  Days: /^days$/,
  Mb: /^megabytes/,
  Limit: /^(messages|turns|characters)/,
};
for (const { path, name, doc } of REFERENCE_KEYS) {
  const suffix = Object.keys(UNITS).find((end) => name.endsWith(end));
  if (suffix === undefined || /PerSec$|^rateLimit$/.test(name)) continue;
  it(`[C4] units › ${path} names its unit`, () =>
    assert.match(doc.unit ?? "", UNITS[suffix] ?? /^$/));
}

it("[C4] defaultText() › shows the schema's default, else the document's words, else none or required", () => {
  assert.equal(defaultText(keyAt("http.port")), "`8787`");
  assert.equal(defaultText(keyAt("http.bind")), '`["127.0.0.1", "::1"]`');
  assert.equal(defaultText(keyAt("channels.discord.name")), "its id");
  assert.equal(defaultText(keyAt("channels.discord.presence.activity")), "none");
  assert.equal(defaultText(keyAt("agents.list[].id")), "required");
});

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

  it("warns at each limit of money, also of roles, and of a model without any limit", async () => {
    const told = async (config: object, env = {}) =>
      (await load(JSON.stringify(config), { env })).problems
        .filter(({ message }) => /price/.test(message)).map(({ path, message }) => [path, message]);
    const money = { moneyPerDay: 1 };
    const limited = {
      ...agents("openai/gpt-99"),
      budgets: { perUser: money, perRole: { ["123456789012345678"]: { moneyPerMonth: 0 } } },
    };
    assert.deepEqual((await told(limited)).map(([path]) => path), [
      "budgets.perUser.moneyPerDay",
      "budgets.perRole.123456789012345678.moneyPerMonth",
    ]);
    const ofEnv = { ...KEY, OPENAI_MODEL: "gpt-99" };
    assert.deepEqual(await told({}, ofEnv), [
      ["budgets", "openai/gpt-99: may cost money, with neither price nor limit"],
    ]);
    assert.deepEqual(await told({}, { ...KEY, OPENAI_MODEL: "gpt-5-mini" }), []);
  });
});
