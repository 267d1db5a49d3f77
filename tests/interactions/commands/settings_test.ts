import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ThinkLevel } from "../../../src/core/people/chosen.ts";
import type { OptionTyping, Selection } from "../../../src/core/inbound/interactions.ts";
import type { InteractionContext } from "../../../src/interactions/base/context.ts";
import { readWords } from "../../../src/interactions/base/words.ts";
import { partsOf } from "../../../src/interactions/base/command.ts";
import { settings, settingsMenu } from "../../../src/interactions/commands/settings.ts";
import { callOf } from "../../support/discord/calls.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

interface Built {
  readonly isOwner?: boolean;
  readonly writing?: boolean;
  /** Levels of thinking that the model's server has refused. */
  readonly refused?: readonly ThinkLevel[];
  /** Keys of the config file, as JSON. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly place?: "dm" | "guild";
}

/** Uses the command as a person writes it. */
function build(
  { isOwner = true, writing = true, refused = [], keys = {}, place = "guild" }: Built = {},
) {
  const chosen = new Map<string, string>();
  const file = new Map(Object.entries(keys));
  let model: string | undefined;
  const context: InteractionContext = interactionContext({
    isOwner: () => Promise.resolve(isOwner),
    settings: {
      of: (_, name) => Promise.resolve(chosen.get(name)),
      choose(_, name, value) {
        if (value === undefined) chosen.delete(name);
        else chosen.set(name, value);
        return Promise.resolve();
      },
    },
    models: {
      ids: () => ["a/small", "b/large"],
      of: () => Promise.resolve({ id: model ?? "a/small" }),
      refusedThinking: () => Promise.resolve({ id: "a/small", levels: new Set(refused) }),
      choose(_, id) {
        model = id;
        return Promise.resolve();
      },
    },
    config: {
      allows: () => ({ reading: true, writing }),
      paths: () => [],
      get: (path) => Promise.resolve(file.get(path)),
      set(path, value) {
        if (value === undefined) file.delete(path);
        else file.set(path, value);
        return Promise.resolve(value === "wrong" ? "it is no number" : undefined);
      },
    },
  });
  const at = place === "dm" ? { place: { kind: "dm" } as const } : {};
  const callWith = (words: string) => {
    const read = readWords(settings, words);
    assert.ok(read, words);
    return callOf("settings", { ...read, ...at });
  };
  const use = async (words = "") => partsOf(await settings.run(callWith(words), context)).text;
  const choose = (customId: string, value: string) =>
    settingsMenu.run(
      { ...callOf("settings", at), customId, values: [value] } as unknown as Selection & never,
      context,
    );
  return { use, choose, chosen, file, context, callWith, model: () => model };
}

const STORED = ["think", "reasoning", "verbose", "queue", "activation", "send"] as const;

describe("[K2] /settings", () => {
  it("lists each setting with its value; to a person who is no owner, without the owner's", async () => {
    const names = async (built: Built) =>
      Array.from((await build(built).use()).matchAll(/^`([a-z-]+)`/gm), ([, name]) => name);
    const own = ["model", "think", "reasoning", "verbose", "queue"];
    assert.deepEqual(await names({ isOwner: false }), own);
    const owners = ["activation", "send", "direct-messages", "default-model", "budget"];
    assert.deepEqual(await names({}), [...own, ...owners]);
  });

  it("lists no setting of owners in a message that all people of a channel read", async () => {
    const { context } = build();
    const call = callOf("settings", { isText: true });
    assert.doesNotMatch(String(await settings.run(call, context)), /budget/);
  });

  for (
    const [name, value, unset] of [
      ["think", "high", "default"],
      ["reasoning", "on", "off"],
      ["verbose", "on", "off"],
      ["queue", "steer", "default"],
      ["activation", "always", "default"],
      ["send", "off", "inherit"],
    ] as const
  ) {
    it(`${name} shows its value, chooses one, and goes back`, async () => {
      const { use, chosen } = build();
      assert.match(
        await use(name),
        new RegExp(`^\`${name}\` is \`${unset}\` here\\. .*\`${value}\``),
      );
      assert.match(
        await use(`${name} ${value.toUpperCase()}`),
        new RegExp(`^\`${name}\` is \`${value}\` here from now on\\.`),
      );
      assert.equal(chosen.get(name), value);
      assert.match(
        await use(`${name} other`),
        new RegExp(`^\`${name}\` takes one of: .*\`${value}\``),
      );
      assert.equal(await use(`${name} ${unset}`), `\`${name}\` is \`${unset}\` here from now on.`);
      assert.equal(chosen.size, 0);
    });
  }

  it("refuses a level that the model's server has refused, and tells of a chosen one", async () => {
    const { use, chosen } = build({ refused: ["off"] });
    const refused = "The server of `a/small` has refused the level `off`, so it has no effect.";
    assert.equal(await use("think off"), refused);
    assert.equal(chosen.size, 0);
    chosen.set("think", "off");
    assert.ok((await use("think")).endsWith(refused));
  });

  it("activation refuses direct messages, which need no mention", async () => {
    const { use, chosen } = build({ place: "dm" });
    assert.match(await use("activation always"), /works in servers only/);
    assert.equal(chosen.size, 0);
  });

  it("model chooses one of the config, and the config's again", async () => {
    const { use, model } = build();
    assert.match(await use("model B/Large"), /^`model` is `b\/large` here from now on/);
    assert.equal(model(), "b/large");
    assert.match(await use("model c/x"), /takes one of: `a\/small`, `b\/large`, `default`$/);
    await use("model default");
    assert.equal(model(), undefined);
  });

  it("[P10] gives an owner's settings to owners alone", async () => {
    const { use, chosen, file } = build({ isOwner: false });
    for (const words of ["activation always", "send off", "budget 5", "direct-messages open"]) {
      assert.equal(await use(words), "You are not authorized to do that.", words);
    }
    assert.deepEqual([...chosen, ...file], []);
  });

  const KEYS: readonly (readonly [
    words: string,
    before: Readonly<Record<string, string>>,
    path: string,
    value: string | undefined,
  ])[] = [
    ["direct-messages open", {}, "channels.discord.dm.policy", "open"],
    ["default-model b/large", {}, "agents.defaults.model", "b/large"],
    [
      "default-model b/large",
      { "agents.defaults.model": '{"primary":"a/small","fallbacks":[]}' },
      "agents.defaults.model.primary",
      "b/large",
    ],
    ["budget 5", {}, "budgets.total.tokensPerDay", "5"],
    [
      "budget none",
      { "budgets.total": '{"moneyPerMonth":2}', "budgets.total.moneyPerMonth": "2" },
      "budgets.total.moneyPerMonth",
      undefined,
    ],
  ];
  for (const [words, keys, path, value] of KEYS) {
    it(`[K4] ${words} writes ${path}`, async () => {
      const { use, file } = build({ keys });
      assert.match(await use(words), /here from now on\./);
      assert.equal(file.get(path), value);
    });
    it(`[K4] ${words} writes no ${path} if the config may not be changed`, async () => {
      const { use, file } = build({ keys, writing: false });
      await use(words);
      assert.deepEqual(Object.fromEntries(file), keys);
    });
  }

  it("[K4] says why the config file does not take a value", async () => {
    assert.match(await build().use("budget wrong"), /^Nothing has changed: it is no number/);
  });

  it("is two choices in menus: the setting, then its value", async () => {
    const { choose, chosen, context, callWith } = build();
    const { menu } = partsOf(await settings.run(callWith(""), context));
    assert.ok(menu?.options.some(({ label }) => label === "send: inherit"));
    const first = await choose(menu?.customId ?? "", "send");
    assert.ok(first?.how === "update" && first.menu);
    assert.equal(first.menu.placeholder, "send is inherit");
    assert.deepEqual(first.menu.options.map(({ value }) => value), ["on", "off", "inherit"]);
    const second = await choose(first.menu.customId, "off");
    assert.ok(second?.how === "update");
    assert.equal(second.menu, undefined);
    assert.equal(chosen.get("send"), "off");
  });

  it("[P10] takes no owner's setting from a person who has made up a menu", async () => {
    const { choose, chosen } = build({ isOwner: false });
    const answer = await choose("settings:send", "off");
    assert.ok(answer?.how === "update" && answer.text.includes("not authorized"));
    assert.equal(chosen.size, 0);
  });

  it("suggests the values of the setting that contain the typed text", async () => {
    const { context } = build();
    const typing = {
      ...callOf("settings", { options: { name: "model" } }),
      kind: "typing",
      typed: { option: "value", text: "lar" },
    } as unknown as OptionTyping;
    assert.deepEqual(await settings.options?.[1]?.suggest?.(typing, context), [
      { name: "b/large", value: "b/large" },
    ]);
  });

  it("takes no other names", () => {
    for (const name of STORED) assert.ok(readWords(settings, name), name);
    assert.equal(readWords(settings, "later"), undefined);
  });
});
