/** Plays single steps of a setup with the answers of people who are not the usual ones. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SetupContext, SetupState } from "../../../src/features/setup/answers.ts";
import { askCodeGrant, askIntents, askToken } from "../../../src/features/setup/ask_bot.ts";
import { askLimit, askModel } from "../../../src/features/setup/ask_model.ts";
import { askOwner } from "../../../src/features/setup/ask_places.ts";
import type { Env } from "../../../src/lib/env.ts";
import { type ModelServer, startModelServer } from "../../../simulator/model/server.ts";
import { type Asked, FINISHED, OTHER, OWNER, scriptedSetup, withServers } from "./support.ts";

const TOKEN = "MTQ5ODAwMDAwMDAwMDAwMDAw.GabcDe.abcdefghijklmnopqrstuvwxyz0123456789ab";
const BOT = FINISHED.bot!;
const APPLICATION = {
  id: BOT.applicationId,
  name: BOT.name,
  flags: 0,
  owner: { id: OWNER.id, username: OWNER.name },
};

describe("[O3] the bot's chapter", () => {
  it("tries again while Discord does not answer, and asks for the token only once", async () => {
    const { setup, lines, isDone } = scriptedSetup([`Bot ${TOKEN}`, true]);
    const answers = [undefined, APPLICATION];
    const state = await withServers(() => answers.shift(), () => askToken({}, setup));
    assert.deepEqual(state, { token: TOKEN, bot: { ...BOT, team: undefined } });
    assert.ok(lines.some((line) => line.startsWith("fail  Discord does not answer: ")));
    assert.ok(isDone());
  });

  it("waits until Requires OAuth2 Code Grant is off", async () => {
    const { setup, lines } = scriptedSetup([true]);
    const before = { token: TOKEN, bot: { ...BOT, needsCodeGrant: true } };
    const { bot } = await withServers(() => APPLICATION, () => askCodeGrant(before, setup));
    assert.equal(bot?.needsCodeGrant, false);
    assert.match(
      lines[0] ?? "",
      /"Requires OAuth2 Code Grant" is on.*\/applications\/149\d+\/bot$/,
    );
  });

  it("goes on if Discord refuses to enable the intents", async () => {
    const { setup, lines } = scriptedSetup([true]);
    const refusal = Response.json({ code: 50035, message: "it needs a review" }, { status: 400 });
    const state = await withServers(
      () => refusal,
      () => askIntents({ token: TOKEN, bot: BOT }, setup),
    );
    assert.equal(state.intents, "settled");
    assert.match(lines.at(-1) ?? "", /Discord refused \(.*it needs a review.*\)\. Tick them at/);
  });
});

describe("[O3] the owner's chapter", () => {
  it("asks which joined member of a team", async () => {
    const { setup, lines } = scriptedSetup([TOKEN, "@ben"]);
    const members = [{ membership_state: 2, user: { id: OTHER.id } }];
    const team = { name: "Harbour", owner_user_id: OWNER.id, members };
    const answer = ({ what }: Asked) => {
      const person = [OWNER, OTHER].find(({ id }) => what.endsWith(`/users/${id}`));
      return person ? { id: person.id, username: person.name } : { ...APPLICATION, team };
    };
    const asked = () => withServers(answer, () => askToken({}, setup));
    assert.deepEqual((await askOwner({ ...FINISHED, ...await asked() }, setup)).owner, OTHER);
    assert.ok(lines.some((line) => line.includes("belongs to the team Harbour")));
  });

  it("finds another person by name, and says why a name finds none", async () => {
    const unknown = "99999999999999999";
    const { setup, lines, isDone } = scriptedSetup([false, "", "zoe", "be", unknown, "@Ben"]);
    const answer = ({ what }: Asked) =>
      what.includes("/users/")
        ? Response.json({ code: 10013, message: "Unknown User" }, { status: 404 })
        : /query=be/i.test(what)
        ? [{ user: { id: OTHER.id, username: OTHER.name }, roles: [] }]
        : [];
    const { owner } = await withServers(answer, () => askOwner(FINISHED, setup));
    assert.deepEqual(owner, OTHER);
    assert.ok(isDone());
    for (
      const words of [
        "wrong Type your username, such as ana",
        'fail  No member is called "zoe". A username has no spaces: open your profile to see it',
        'fail  No member has the username "be"; there are @ben',
        `fail  Discord has no user with the ID ${unknown}`,
      ]
    ) assert.ok(lines.includes(words), `${words}\n${lines.join("\n")}`);
  });
});

const NAME = "barnacle-script";

/**
 * Plays the model's chapter with a server that has one model, `barnacle-script`, which calls no tools.
 *
 * @param origin The server's address for the setup.
 */
async function chooseModel(
  answers: readonly (string | boolean)[],
  origin: string,
  { behave, present, other, env = {} }: {
    readonly behave?: (server: ModelServer) => void;
    readonly env?: Env;
    readonly present?: SetupContext["present"];
    /** Answers in place of the server; nothing else answers. */
    readonly other?: Parameters<typeof withServers>[0];
  } = {},
) {
  const { fetch } = globalThis;
  const server = await startModelServer();
  behave?.(server);
  const { setup, lines, isDone } = scriptedSetup(answers, { env, ...present && { present } });
  try {
    const { model } = await withServers(async (asked) => {
      const { request } = asked;
      const found = await other?.(asked);
      if (found !== undefined || !request.url.startsWith(origin)) return found;
      return await fetch(
        new Request(request.url.replace(origin, new URL(server.baseUrl).origin), request),
      );
    }, () => askModel(FINISHED, setup));
    assert.ok(isDone(), lines.join("\n"));
    return { model: Object(model), lines, server };
  } finally {
    await server.close();
  }
}

describe("[O3] the model's chapter", () => {
  it("takes a key that its server refuses only after another one, and the list's prices", async () => {
    const { model, lines, server } = await chooseModel(
      ["OpenRouter", "sk wrong", "sk-wrong", NAME, "Enter another key", "sk-right", false],
      "https://openrouter.ai/api",
      {
        behave: (server) => server.behave("unauthorized", 1),
        other: ({ what }) =>
          what.endsWith("openrouter.ai/api/v1/models")
            ? { data: [{ id: NAME, pricing: { prompt: "0.000001", completion: "0.000002" } }] }
            : undefined,
      },
    );
    assert.deepEqual(model, {
      providerId: "openrouter",
      name: NAME,
      kind: "openai-compatible",
      baseUrl: "https://openrouter.ai/api/v1",
      key: "sk-right",
      isPaid: true,
      isPriced: true,
      prices: { input: 1, output: 2 },
    });
    const keys = server.requests.map(({ headers }) => headers["authorization"]);
    assert.deepEqual(
      [keys[0], [...new Set(keys.slice(1))]],
      ["Bearer sk-wrong", ["Bearer sk-right"]],
    );
    assert.ok(!lines.join("\n").includes("sk-"), "a key is shown");
    assert.match(
      lines.join("\n"),
      /^ok {4}openrouter\/barnacle-script answered in \d+\.\d s \(first token \d+\.\d s\), tools: no/m,
    );
  });

  it("keeps the config's model with its key, or lets another one be chosen for its tools", async () => {
    const provider = {
      id: "ours",
      kind: "openai-compatible" as const,
      baseUrl: "http://box/v1",
      apiKey: "k",
    };
    const { model } = await chooseModel(
      ["Keep ours/small", true, "Keep ours/small", false],
      "http://box",
      { present: { owners: [], model: { provider, name: "small" } } },
    );
    const { providerId, name, baseUrl, key } = model;
    assert.deepEqual([providerId, name, baseUrl, key], ["ours", "small", undefined, undefined]);
  });

  it("takes the key of the environment", async () => {
    const { model } = await chooseModel(
      ["Mistral, with MISTRAL_API_KEY of the environment", NAME, false],
      "https://api.mistral.ai",
      { env: { MISTRAL_API_KEY: "sk-env" } },
    );
    assert.equal(model.key, "sk-env");
  });

  it("takes an address, and a model that does not answer if the user insists", async () => {
    const typed = ["a box", "box:8000/v1/chat/completions", "my model", "qwen3"];
    const { model, lines } = await chooseModel(
      ["Another OpenAI-compatible server", ...typed, "Use it all the same"],
      "http://box:8000",
      {
        behave: (server) => server.behave("not_found"),
        other: ({ what }) =>
          what.endsWith("box:8000/v1/models") ? new Response("", { status: 404 }) : undefined,
      },
    );
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
    assert.ok(lines.some((line) => line.startsWith("warn  No list of models: http://box:8000/v1")));
    assert.ok(lines.some((line) => /^fail {2}qwen3 at http:\/\/box:8000\/v1/.test(line)));
    assert.ok(!lines.join("\n").includes("custom"), lines.join("\n"));
  });

  it("tries an address before it asks for a key, and asks for another address", async () => {
    const asked: unknown[] = [];
    const { model, lines } = await chooseModel(
      ["Another OpenAI-compatible server", "box:9", "box:8000/v1", "sk-box", NAME, false],
      "http://box:8000",
      {
        other({ what, request }) {
          if (!what.endsWith("/v1/models") || !what.includes("box:")) return undefined;
          const key = request.headers.get("authorization");
          asked.push([what, key]);
          if (what.includes(":9")) return undefined;
          return key ? { data: [{ id: NAME }] } : new Response("", { status: 401 });
        },
      },
    );
    assert.equal(model.key, "sk-box");
    assert.deepEqual(asked.slice(0, 3), [
      ["GET http://box:9/v1/models", null],
      ["GET http://box:8000/v1/models", null],
      ["GET http://box:8000/v1/models", "Bearer sk-box"],
    ]);
    assert.ok(lines.some((line) => line.startsWith("fail  http://box:9")));
  });

  it("says where it looked for a model, and takes Ollama on another machine", async () => {
    const { model, lines } = await chooseModel(
      ["Ollama on another machine", "192.168.1.5", NAME, false],
      "http://192.168.1.5:11434",
      { other: ({ what }) => what.includes(":1234/") ? { data: [] } : undefined },
    );
    const words = lines.join("\n");
    assert.match(words, /Ollama at http:\/\/127\.0\.0\.1:11434\/v1 does not answer/);
    assert.match(words, /LM Studio at http:\/\/127\.0\.0\.1:1234\/v1 answers/);
    const { providerId, name, baseUrl, key } = model;
    const address = "http://192.168.1.5:11434/v1";
    assert.deepEqual([providerId, name, baseUrl, key], ["ollama", NAME, address, undefined]);
  });

  it("downloads a model once, also from a server that lacks it afterwards", async () => {
    const pulls = ['{"error":"no space"}', '{"status":"success"}'];
    const { lines } = await chooseModel(
      ["qwen3:8b, which Ollama downloads (5 GB)", true, "Try again", true, "Use it all the same"],
      "http://127.0.0.1:11434",
      {
        other({ what }) {
          if (what.endsWith(":11434/v1/models")) return { data: [] };
          return what.endsWith("/api/pull")
            ? new Response(`${pulls.shift()}\n`)
            : what.includes(":11434/")
            ? Response.json({ error: { message: "no such model" } }, { status: 404 })
            : undefined;
        },
      },
    );
    assert.equal(lines.filter((line) => line.startsWith("?     Download it now")).length, 2);
    assert.equal(lines.filter((line) => line === 'fail  Ollama has no model "qwen3:8b"').length, 3);
    assert.ok(lines.some((line) => /^fail {2}Not downloaded: .*no space/.test(line)));
  });
});

describe("[O3] the limit's question", () => {
  const paid = Object(FINISHED.model);
  const prices = { input: 1, output: 2 };
  const cases: readonly (readonly [what: string, answers: string[], own: object, limit: object])[] =
    [
      ["two dollars by Enter", [""], {}, { kind: "money", perDay: 2, prices: undefined }],
      ["the prices of the list", ["3"], { prices }, { kind: "money", perDay: 3, prices }],
      ["tokens", ["500000 tokens"], {}, { kind: "tokens", perDay: 500_000 }],
      ["none", ["x", "none"], {}, { kind: "none" }],
      ["tokens, if the price is unknown", ["5", ""], { isPriced: false }, {
        kind: "tokens",
        perDay: 1_000_000,
      }],
    ];
  for (const [what, answers, own, limit] of cases) {
    it(`takes ${what}`, async () => {
      const { setup, isDone } = scriptedSetup(answers);
      const state: SetupState = { ...FINISHED, model: { ...paid, ...own } };
      assert.deepEqual((await askLimit(state, setup)).limit, limit);
      assert.ok(isDone());
    });
  }
});
