/** Plays single steps of a setup with the answers of people who are not the usual ones. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SetupState, wholeAnswers } from "../../../src/features/setup/answers/state.ts";
import { finish } from "../../../src/features/setup/finish.ts";
import { DialogueEnd } from "../../../src/features/setup/ports/dialogue.ts";
import type { BotPlace } from "../../../src/features/setup/ports/own_commands.ts";
import { StartError } from "../../../src/cli/shared/exit_code.ts";
import { askCodeGrant, askIntents, askToken } from "../../../src/features/setup/steps/ask_bot.ts";
import { askLimit } from "../../../src/features/setup/steps/ask_limit.ts";
import { askModel } from "../../../src/features/setup/steps/ask_model.ts";
import { askOwner } from "../../../src/features/setup/steps/ask_owner.ts";
import type { Tested } from "../../../src/features/model/test.ts";
import { ModelError } from "../../../src/core/model.ts";
import { FINISHED, OTHER, OWNER } from "./answers.ts";
import { portsOf, scriptedDialogue } from "./scripted_dialogue.ts";

const TOKEN = "MTQ5ODAwMDAwMDAwMDAwMDAw.GabcDe.abcdefghijklmnopqrstuvwxyz0123456789ab";
const BOT = FINISHED.bot!;

describe("[O3] the bot's chapter", () => {
  it("tries again while Discord does not answer, and asks for the token only once", async () => {
    const { dialogue, lines, isDone } = scriptedDialogue([`Bot ${TOKEN}`, true]);
    const answers = [
      { kind: "failed" as const, why: "no answer in time" },
      { kind: "answered" as const, found: BOT },
    ];
    const discord = { whoAmI: () => Promise.resolve(answers.shift()!) };
    const state = await askToken({}, portsOf(dialogue, { discord }));
    assert.deepEqual(state, { token: TOKEN, bot: BOT });
    assert.ok(lines.includes("fail  Discord does not answer: no answer in time"));
    assert.ok(isDone());
  });

  it("waits until Requires OAuth2 Code Grant is off", async () => {
    const { dialogue, lines } = scriptedDialogue([true]);
    const discord = { whoAmI: () => Promise.resolve({ kind: "answered" as const, found: BOT }) };
    const before = { token: TOKEN, bot: { ...BOT, needsCodeGrant: true } };
    assert.deepEqual(await askCodeGrant(before, portsOf(dialogue, { discord })), {
      token: TOKEN,
      bot: BOT,
    });
    assert.match(lines[0] ?? "", /"Requires OAuth2 Code Grant" is on, so every invite fails/);
  });

  it("goes on if Discord refuses to enable the intents", async () => {
    const { dialogue, lines } = scriptedDialogue([true]);
    const discord = { setFlags: () => Promise.resolve("the bot needs a review") };
    const state = await askIntents({ token: TOKEN, bot: BOT }, portsOf(dialogue, { discord }));
    assert.equal(state.intents, "settled");
    assert.match(lines.at(-1) ?? "", /Discord refused \(the bot needs a review\)\. Tick them at/);
  });

  it("asks nothing if the intents are on", async () => {
    const { dialogue, lines } = scriptedDialogue([]);
    const bot = { ...BOT, flags: (1 << 19) | (1 << 15) };
    await askIntents({ token: TOKEN, bot }, portsOf(dialogue, {}));
    assert.deepEqual(lines, ["ok    Message Content and Server Members are on"]);
  });
});

describe("[O3] the owner's chapter", () => {
  it("asks which member of a team", async () => {
    const { dialogue } = scriptedDialogue(["@ben"]);
    const bot = { ...BOT, owners: [OWNER, OTHER], team: "Harbour" };
    assert.deepEqual((await askOwner({ ...FINISHED, bot }, portsOf(dialogue, {}))).owner, OTHER);
  });

  it("finds another person by name, and says why a name finds none", async () => {
    const { dialogue, lines, isDone } = scriptedDialogue([
      false,
      "",
      "zoe",
      "be",
      "99999999999999999",
      "@Ben",
    ]);
    const search = (_guild: unknown, text: string) =>
      Promise.resolve(text.toLowerCase().startsWith("be") ? [OTHER] : []);
    const ports = portsOf(dialogue, {
      discord: { search, person: () => Promise.resolve(undefined) },
    });
    assert.deepEqual((await askOwner(FINISHED, ports)).owner, OTHER);
    assert.ok(isDone());
    for (
      const words of [
        "wrong Type your username, such as ana",
        'fail  No member is called "zoe". A username has no spaces: open your profile to see it',
        'fail  No member has the username "be"; there are @ben',
        "fail  Discord has no user with the ID 99999999999999999",
      ]
    ) assert.ok(lines.includes(words), `${words}\n${lines.join("\n")}`);
  });
});

const answered: Tested = {
  model: "x",
  tried: { firstMs: 600, totalMs: 1_900, tools: true, images: false, refused: [] },
  abilities: {},
  windowFrom: "",
  isLocal: false,
};
const failed = (kind: "unauthorized" | "timeout"): Tested => ({
  ...answered,
  tried: undefined,
  failure: new ModelError("openrouter/a/b: no answer", { kind, modelId: "openrouter/a/b" }),
});

/** Plays the model's chapter; by default, no server runs on this machine. */
async function chooseModel(
  answers: readonly (string | boolean)[],
  models: Parameters<typeof portsOf>[1]["models"],
  present?: Parameters<typeof portsOf>[1]["present"],
) {
  const { dialogue, lines, isDone } = scriptedDialogue(answers);
  const all = { localServers: () => Promise.resolve([]), ...models };
  const ports = portsOf(dialogue, { models: all, ...present && { present } });
  const { model } = await askModel(FINISHED, ports);
  return { model: Object(model), lines, isDone };
}

describe("[O3] the model's chapter", () => {
  it("takes a key that its server refuses only after another one, and the list's prices", async () => {
    const answers = ["OpenRouter", "sk wrong", "sk-wrong", "a/b", "Enter another key", "sk-right"];
    const keys: (string | undefined)[] = [];
    const { model, lines, isDone } = await chooseModel(answers, {
      list: () => Promise.resolve([{ name: "a/b", prices: { input: 1, output: 2 } }]),
      test: ({ provider }: { readonly provider: { readonly apiKey?: string } }) => {
        keys.push(provider.apiKey);
        return Promise.resolve(provider.apiKey === "sk-right" ? answered : failed("unauthorized"));
      },
    });
    assert.deepEqual(model, {
      providerId: "openrouter",
      name: "a/b",
      kind: "openai-compatible",
      baseUrl: "https://openrouter.ai/api/v1",
      key: "sk-right",
      isPaid: true,
      isPriced: false,
      prices: { input: 1, output: 2 },
    });
    assert.deepEqual(keys, ["sk-wrong", "sk-right"]);
    assert.ok(isDone());
    assert.ok(!lines.join("\n").includes("sk-"), "a key is shown");
    assert.equal(
      lines.at(-1),
      "ok    x answered in 1.9 s (first token 0.6 s), tools: yes, images: no",
    );
  });

  it("keeps the config's model with its key, or lets another one be chosen for its tools", async () => {
    const kind = "openai-compatible" as const;
    const provider = { id: "ours", kind, baseUrl: "http://box/v1", apiKey: "k" };
    const tried = { firstMs: 600, totalMs: 1_900, tools: false, images: false, refused: [] };
    const { model, isDone } = await chooseModel(
      ["Keep ours/small", true, "Keep ours/small", false],
      { test: () => Promise.resolve({ ...answered, tried }) },
      { owners: [], model: { provider, name: "small" } },
    );
    const { providerId, name, baseUrl, key } = model;
    assert.deepEqual([providerId, name, baseUrl, key], ["ours", "small", undefined, undefined]);
    assert.ok(isDone());
  });

  it("takes an address, and a model that does not answer if the user insists", async () => {
    const typed = ["a box", "box:8000/v1/chat/completions", "my model", "qwen3"];
    const answers = ["Another OpenAI-compatible server", ...typed, "Use it all the same"];
    const { model, lines } = await chooseModel(answers, {
      list: () =>
        Promise.resolve(new ModelError("custom: no", { kind: "not_found", modelId: "custom" })),
      test: () => Promise.resolve(failed("timeout")),
    });
    assert.deepEqual({ ...model }, {
      providerId: "custom",
      name: "qwen3",
      kind: "openai-compatible",
      baseUrl: "http://box:8000/v1",
      key: undefined,
      isPaid: false,
      isPriced: true,
      prices: undefined,
    });
    assert.ok(lines.includes("wrong Type the model's name, without spaces"));
    assert.ok(lines.includes("warn  No list of models: http://box:8000/v1: no"));
    assert.ok(lines.some((line) => /^fail {2}qwen3 at http:\/\/box:8000\/v1/.test(line)));
    assert.ok(!lines.join("\n").includes("custom"), lines.join("\n"));
  });

  it("tries an address before it asks for a key, and asks for another address", async () => {
    const answers = ["Another OpenAI-compatible server", "box:9", "box:8000/v1", "sk-box", "qwen3"];
    const asked: unknown[] = [];
    const { model, lines, isDone } = await chooseModel(answers, {
      list: ({ baseUrl, apiKey }: { readonly baseUrl: string; readonly apiKey?: string }) => {
        asked.push([baseUrl, apiKey]);
        const kind = baseUrl.includes(":9") ? "unavailable" : "unauthorized";
        const error = new ModelError("custom/ failed", { kind, modelId: "custom/" });
        return Promise.resolve(apiKey ? [{ name: "qwen3" }] : error);
      },
      test: () => Promise.resolve(answered),
    });
    assert.equal(model.key, "sk-box");
    assert.deepEqual(asked, [
      ["http://box:9", undefined],
      ["http://box:8000/v1", undefined],
      ["http://box:8000/v1", "sk-box"],
    ]);
    assert.ok(lines.includes("fail  http://box:9 failed"));
    assert.ok(isDone());
  });

  it("says where it looked for a model, and takes Ollama on another machine", async () => {
    const answers = ["Ollama on another machine", "192.168.1.5", "qwen3:8b"];
    const local = (id: string, title: string, port: number, models?: []) => ({
      ...{ id, title, kind: "openai-compatible" as const, writesUrl: false, needsKey: false },
      baseUrl: `http://127.0.0.1:${port}/v1`,
      models,
    });
    const { model, lines } = await chooseModel(answers, {
      localServers: () =>
        Promise.resolve([local("ollama", "Ollama", 11_434), local("x", "LM Studio", 1_234, [])]),
      list: () => Promise.resolve([{ name: "qwen3:8b" }]),
      test: () => Promise.resolve(answered),
    });
    assert.ok(
      lines.includes(
        "      Looked for a model on this machine: Ollama at http://127.0.0.1:11434/v1 does not " +
          "answer, LM Studio at http://127.0.0.1:1234/v1 answers",
      ),
      lines.join("\n"),
    );
    const { providerId, name, baseUrl, key } = model;
    const address = "http://192.168.1.5:11434/v1";
    assert.deepEqual([providerId, name, baseUrl, key], ["ollama", "qwen3:8b", address, undefined]);
  });

  it("downloads a model once, also from a server that lacks it afterwards", async () => {
    const answers = ["qwen3:8b, which Ollama downloads (5 GB)", true, "Use it all the same"];
    const server = {
      ...{ id: "ollama", title: "Ollama", kind: "openai-compatible" as const },
      ...{ baseUrl: "http://127.0.0.1:11434/v1", writesUrl: false, needsKey: false, models: [] },
    };
    let pulls = 0;
    const missing = new ModelError("x", { kind: "not_found", modelId: "ollama/x" });
    const { lines } = await chooseModel(answers, {
      localServers: () => Promise.resolve([server]),
      test: () => Promise.resolve({ ...answered, tried: undefined, failure: missing }),
      pull: () => Promise.resolve(void pulls++),
    });
    assert.equal(pulls, 1);
    assert.equal(lines.filter((line) => line === 'fail  Ollama has no model "qwen3:8b"').length, 2);
  });
});

describe("[O3] the end of a setup", () => {
  const answers = wholeAnswers(FINISHED)!;
  const service = { name: "systemd", isMachines: true, config: "/etc/x", dataDir: "/var/lib/x" };
  const SERVICE = "As a service, which starts with the machine and after a crash";
  const offer = () => Promise.resolve(service);
  const sent: string[] = [];
  const greet = (_person: unknown, text: string, { data = "" }: BotPlace) => {
    sent.push(`${data}: ${text}`);
    return Promise.resolve(undefined);
  };

  const NEW = { kind: "opened" as const, file: "/etc/x" };
  const instructed: string[] = [];
  const instruct = ({ data = "" }: BotPlace) => {
    instructed.push(data);
    return Promise.resolve({ folder: "/agents/x" });
  };

  it("installs the service with the secrets, and greets through its data", async () => {
    const { dialogue, lines } = scriptedDialogue([SERVICE]);
    const installed: unknown[] = [];
    const install = (place: BotPlace, secrets: unknown) => {
      installed.push(place.config, secrets);
      return Promise.resolve(0 as const);
    };
    const ports = portsOf(dialogue, { commands: { offer, install, instruct, greet } });
    const end = await finish(answers, NEW, ports, {});
    assert.deepEqual(end, { code: 0, start: "service", runs: undefined });
    const secrets = { discord_token: "token-of-krill\n", openai_api_key: "sk-test\n" };
    assert.deepEqual(installed, ["/etc/x", secrets]);
    assert.match(sent.at(-1) ?? "", /^\/var\/lib\/x: Hi ana, I am Krill, .* on Harbour, #help/);
    assert.ok(!lines.join("\n").includes("token-of-krill"));
    assert.deepEqual(instructed, ["/var/lib/x"]);
    assert.ok(
      lines.some((line) => line.startsWith("ok    Wrote AGENTS.md and SOUL.md to /agents/x:")),
    );
  });

  it("says why the service could not be installed, and keeps the config", async () => {
    const { dialogue, lines } = scriptedDialogue([SERVICE]);
    const install = () => Promise.reject(new StartError("another unit has its name", 1));
    const ports = portsOf(dialogue, { commands: { offer, install, instruct, greet } });
    const { code } = await finish(answers, NEW, ports, {});
    assert.equal(code, 1);
    assert.ok(lines.includes("fail  another unit has its name"));
    assert.ok(lines.some((line) => line.includes("The config is written. Try again with")));
  });

  it("says why no message came", async () => {
    const { dialogue, lines } = scriptedDialogue([SERVICE]);
    const commands = {
      offer,
      install: () => Promise.resolve(0 as const),
      instruct: () => Promise.resolve({ why: "no space is left on the disk" }),
      greet: () => Promise.resolve("Cannot send messages to this user"),
    };
    assert.equal((await finish(answers, NEW, portsOf(dialogue, { commands }), {})).code, 0);
    assert.ok(lines.includes("warn  No AGENTS.md and SOUL.md: no space is left on the disk"));
    assert.ok(
      lines.includes(
        "warn  No first direct message: Cannot send messages to this user. Your server's privacy " +
          "settings may close direct messages; the bot works without",
      ),
    );
  });

  it("leaves the bot stopped after Ctrl-C, because the files are written", async () => {
    const { dialogue, lines } = scriptedDialogue([]);
    const choose = () => Promise.reject(new DialogueEnd("cancelled"));
    const ports = portsOf({ ...dialogue, choose }, { commands: { offer, instruct, greet } });
    const end = await finish(answers, NEW, ports, {});
    assert.deepEqual(end, { code: 0, start: "later", runs: undefined });
    assert.match(
      lines.join("\n"),
      /Done\. {2}\.\/barnacle run · \.\/barnacle service install · \.\/barnacle status · \.\/barnacle dashboard · /,
    );
  });
});

describe("[O3] the limit's question", () => {
  const asked = async (answers: readonly string[], state: SetupState = FINISHED) => {
    const { dialogue } = scriptedDialogue(answers);
    return (await askLimit(state, portsOf(dialogue, {}))).limit;
  };
  const cases: readonly (readonly [what: string, answers: readonly string[], limit: object])[] = [
    ["two dollars by Enter, with prices", ["", "0.25 2"], {
      kind: "money",
      perDay: 2,
      prices: { input: 0.25, output: 2 },
    }],
    ["tokens, if the prices are unknown", ["5", ""], { kind: "tokens", perDay: 1_000_000 }],
    ["tokens", ["500000 tokens"], { kind: "tokens", perDay: 500_000 }],
    ["none", ["x", "none"], { kind: "none" }],
  ];
  for (const [what, answers, limit] of cases) {
    it(`takes ${what}`, async () => assert.deepEqual(await asked(answers), limit));
  }
  it("does not ask for prices that the server tells", async () => {
    const prices = { input: 1, output: 2 };
    const model = { ...Object(FINISHED.model), prices };
    assert.deepEqual(await asked(["3"], { ...FINISHED, model }), {
      kind: "money",
      perDay: 3,
      prices,
    });
  });
});
