/** Tests chains of models, as people and the operator see them; over OpenAI's Responses and Anthropic. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import {
  type ModelBehaviour,
  type ModelServer,
  startModelServer,
} from "../../../simulator/model/server.ts";
import {
  API_KEY,
  configOf,
  ended,
  KILLED,
  type Ran,
  type Scene,
  withSimulation,
  writeConfig,
} from "../../support/bot/e2e.ts";
import { type Said, startFixedModel } from "../../support/model/fixed_model.ts";

const said = ({ code, stdout, stderr }: Ran): string => {
  assert.equal(code, 0, stderr.join("\n"));
  return stdout.join("\n");
};

const FIRST = "house/barnacle-script";
const SECOND = "cloud/barnacle-script";

/** Runs a test with a bot that asks `house` (Responses) first, and then `cloud` (Anthropic). */
function withChain(
  behaviour: ModelBehaviour,
  test: (scene: Scene, house: ModelServer) => Promise<void>,
): Promise<void> {
  return withSimulation({}, async (scene) => {
    const house = await startModelServer({ behaviour, retryAfterSec: 120 });
    try {
      writeConfig(scene, {
        models: {
          providers: {
            house: { kind: "openai-responses", baseUrl: house.baseUrl, apiKey: "sk-house-1234567" },
            cloud: { kind: "anthropic", baseUrl: scene.model.baseUrl, apiKey: "cloud-1234567" },
          },
        },
        agents: { defaults: { model: { primary: FIRST, fallbacks: [SECOND] } } },
        http: { port: 0 },
      });
      await test(scene, house);
    } finally {
      await house.close();
    }
  });
}

describe("[L3] a chain of models", () => {
  // `tests/providers/choice/fallbacks_test.ts` has every failure of a model.
  it("moves on after a refused key, says why, and tells the owner once", () =>
    withChain("unauthorized", async ({ start, say, mention, replies, until, written, cli }) => {
      await start();
      const asked = say("grace", "general", `${mention} question 1`);
      assert.match((await replies("general", 1))[0] ?? "", /question 1/);
      for (const count of [2, 3]) {
        say("grace", "general", `${mention} question ${count}`);
        await replies("general", count);
      }
      await until("the owner to read it", () => written("dm", "ada").length > 0);
      assert.equal(written("dm", "ada").length, 1);
      const words = said(await cli("why", asked.id));
      assert.ok(words.includes(`model ${SECOND}, 1 request`), words);
      assert.ok(
        words.includes(`in place of ${FIRST}, which failed as "unauthorized" since `),
        words,
      );
    }));

  it("stays within a turn with the model that began it, also after a crash, and charges that one", () =>
    withChain("unauthorized", async (scene, house) => {
      const { start, say, mention, replies, rows, model, cli, ask, eventually } = scene;
      house.behave("unauthorized", 1);
      const first = await start({ BARNACLE_CRASH_AT: "after:TS:1" });
      const asked = say(
        "grace",
        "general",
        `${mention}\ncall: code {"source":"6*7"}\nthen\ncall: code {"source":"7*8"}`,
      );
      assert.deepEqual(await ended(first), KILLED);
      const bot = await start();
      assert.match((await replies("general", 1))[0] ?? "", /56/);
      assert.equal(house.requests.length, 1, "the first model was asked in the middle of the turn");
      assert.ok(model.requests.length >= 3);
      const models = new Set(rows("SELECT model FROM usage").map(({ model }) => model));
      assert.deepEqual([...models], [SECOND]);
      const words = said(await cli("why", asked.id));
      assert.match(words, new RegExp(`model +\\S+ m?s +${SECOND}, .*calls code`));

      say("grace", "general", `${mention} hello`);
      await replies("general", 2);
      assert.equal(house.requests.length, 2, "the next turn asks the first model");
      await eventually("the metrics", async () => {
        const text = await (await ask(bot, "/metrics")).text();
        return text.includes('barnacle_llm_failing{model="house/barnacle-script"} 0');
      });
    }));
});

const KINDS = ["openai-compatible", "anthropic", "google"] as const;
const READ = 'call: read_channel_history {"limit":1}';

/** Starts a bot whose server caches prompts, and whose answers tell how many of their tokens. */
async function startCached(scene: Scene, kind: typeof KINDS[number]): Promise<void> {
  const { model, simulator, start } = scene;
  model.countCache();
  // A fold of older entries begins another prompt, so the window has room for all of them.
  const models = { "barnacle-script": { contextWindow: 200_000 } };
  const provider = { kind, baseUrl: model.baseUrl, apiKey: "sk-0123456789abcdef", models };
  writeConfig(scene, {
    ...configOf(simulator, { config: { messages: { footer: "all" } } }),
    models: { providers: { far: provider } },
    agents: { defaults: { model: "far/barnacle-script" } },
  });
  await start();
}

/** Asks a question, and returns the cached share of the turn's tokens, in percent. */
async function cachedShare(scene: Scene, question: string): Promise<number> {
  const before = scene.written("general").length;
  scene.say("grace", "general", `${scene.mention} ${question}`);
  const footer = await scene.until("the footer", () =>
    scene.written("general").slice(before)
      .map((text) => /\n-# .* (\d+) % cached/.exec(text)?.[1]).find((share) => share));
  return Number(footer);
}

for (const kind of KINDS) {
  describe(`[L1] the cache of a server (${kind})`, () => {
    it("has 80 % of the tokens of each turn from the second one on", () =>
      withSimulation({}, async (scene) => {
        await startCached(scene, kind);
        const shares: number[] = [];
        for (let turn = 1; turn <= 5; turn++) {
          scene.say("ada", "general", `${turn} ${"the tide is high ".repeat(20)}`);
          scene.say("ada", "general", `${turn} ${"the tide is low ".repeat(20)}`);
          // Each word `then` begins another step of the turn.
          const words = turn % 2 === 1 ? `${"why ".repeat(100)}` : `\n${READ}\nthen\n${READ}`;
          shares.push(await cachedShare(scene, words));
        }
        assert.ok(shares.slice(1).every((share) => share >= 80), shares.join(", "));
      }));
  });
}

const MODELS = { fixed: { contextWindow: 8_192 } };

/** Tokens of a request's prompt and tools, as T2a counts them. */
function tokensOf(body: string): number {
  const { messages, tools } = JSON.parse(body);
  return Buffer.byteLength(JSON.stringify({ messages, tools })) / 4;
}

/** The bytes of a request up to its newest entries: without the brackets behind its last message. */
function untilNewest(body: string): string {
  const { messages } = JSON.parse(body);
  return body.slice(0, body.lastIndexOf(JSON.stringify(messages.at(-1)).slice(1)));
}

/** Opens a tool, runs it, and then answers. */
function play(asked: string): Said {
  const call = (args: object) => ({
    calls: [{ id: "c1", name: "use_tool", arguments: JSON.stringify(args) }],
  });
  if (asked.includes("JSON Schema")) return call({ tool: "recall", arguments: { words: "tide" } });
  if (asked.includes("look")) return call({ tool: "recall" });
  return "The answer.";
}

describe("[T2a] a model with a small window", () => {
  it("reads a short prompt, opens tools by name, and gets the same beginning in each request", () =>
    withSimulation({}, async ({ start, say, mention, replies, rewrite, eventually, rows }) => {
      await using model = await startFixedModel(play);
      const local = { kind: "openai-compatible", baseUrl: model.baseUrl, models: MODELS };
      rewrite({
        config: {
          tools: { prompt: "auto" },
          models: { providers: { local } },
          agents: { defaults: { model: "local/fixed" } },
        },
      });
      await start();
      say("ada", "dm", "hello");
      await replies("dm", 1, "ada");
      assert.match(model.bodies[0] ?? "", /read_file/);
      assert.ok(tokensOf(model.bodies[0] ?? "") <= 1_500, `${tokensOf(model.bodies[0] ?? "")}`);
      const first = model.bodies.length;
      for (const [at, text] of ["hello", "look", "and then?", "look", "thanks"].entries()) {
        say("grace", "general", `${mention} ${text}`);
        await replies("general", at + 1);
      }
      const bodies = model.bodies.slice(first);
      assert.ok(tokensOf(bodies[0] ?? "") <= 1_200, `${tokensOf(bodies[0] ?? "")}`);
      assert.equal(bodies.length, 9);
      for (const [at, body] of bodies.slice(0, -1).entries()) {
        assert.ok(bodies[at + 1]?.startsWith(untilNewest(body)), `request ${at + 2}`);
      }
      const results = JSON.parse(bodies.at(-1) ?? "").messages
        .filter(({ role }: { role: string }) => role === "tool");
      assert.match(results.at(-1)?.content, /No folded message/);
      await eventually(
        "the choice",
        () =>
          Promise.resolve(
            rows("SELECT value FROM setting WHERE name = 'prompt'")[0]?.["value"] === "window",
          ),
      );
    }));
});

/**
 * Tests a server of one's own, named by variables as people copy them: it wants its answers back as
 * they came, reads for minutes, lacks memory, reads no tool calls, or refuses requests in its own forms.
 */

/** A message of a request. */
interface Sent {
  readonly role: string;
  readonly reasoning_content?: string;
}
type Answer = (response: ServerResponse, messages: readonly Sent[]) => void;

const refused = (status: number, body: string, headers = {}): Answer => (response) => {
  response.writeHead(status, headers);
  response.end(body);
};

/** An answer with thinking, and without a reason of its end. */
const says = (delta: object): Answer => (response, messages) => {
  const count = messages.filter(({ role }) => role === "assistant").length;
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (
    const piece of [{ reasoning_content: "thought " }, { reasoning_content: `${count}` }, delta]
  ) {
    response.write(`data: ${JSON.stringify({ choices: [{ delta: piece }] })}\n\n`);
  }
  response.end("data: [DONE]\n\n");
};
const answered = says({ content: "It ebbs." });
const CALL = { index: 0, id: "t1", type: "function", function: { name: "tide", arguments: "{}" } };
const calls: Answer = (response, messages) =>
  (messages.at(-1)?.role === "tool" ? answered : says({ tool_calls: [CALL] }))(response, messages);

/** A server that takes requests at one path, with one key, and with the thinking of its answers. */
async function startServer() {
  let answer = answered;
  let last: readonly Sent[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const isAsked = request.url === "/v1/chat/completions?api-version=1" &&
      request.headers.authorization === `Bearer ${API_KEY}`;
    if (!isAsked) return refused(404, "no such path")(response, []);
    const messages: readonly Sent[] = JSON.parse(body).messages;
    last = messages;
    const lacks = messages.some(({ role, reasoning_content: thought }) =>
      role === "assistant" && thought === undefined
    );
    (lacks ? refused(400, "Missing `reasoning_content` field") : answer)(response, messages);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    env: {
      OPENAI_BASE_URL: `"127.0.0.1:${port}/v1/chat/completions?api-version=1"`,
      OPENAI_API_KEY: `'${API_KEY}'`,
    },
    answers: (next: Answer) => void (answer = next),
    thoughts: () => last.flatMap(({ reasoning_content: thought }) => thought ?? []),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("[L1] [L2] [L3] [R11] a server of one's own", () => {
  it("is found by variables as people copy them, gets its answers back, and its words reach who can use them", async () => {
    await using server = await startServer();
    const { env, answers, thoughts } = server;
    await withSimulation({ env }, async (scene) => {
      const { say, mention, replies, rows, written, until, status } = scene;
      const bot = await scene.start(env);
      let count = 0;
      const ask = async (answer: Answer) => {
        answers(answer);
        say("grace", "general", `${mention} question ${++count}`);
        return (await replies("general", count))[count - 1] ?? "";
      };
      assert.equal(await ask(calls), "It ebbs.");
      assert.deepEqual(thoughts(), ["thought 0"]);
      assert.equal(await ask(answered), "It ebbs.");
      assert.deepEqual(thoughts(), ["thought 0", "thought 1"]);
      assert.equal(rows("SELECT 1 FROM entry WHERE carried IS NOT NULL").length, 3);

      const call = '<tool_call>\n{"name": "memory", "arguments": {}}\n</tool_call>';
      const unread = await ask(says({ content: `Let me look.\n${call}` }));
      assert.match(unread, /^I can't answer: my model called a tool/);
      await scene.line(bot, /A turn failed.*unread_call: .*tool parser did not read/);
      const told = () => written("dm", "ada");
      assert.match(await until("the alert", () => told()[0]), /tool parser/);

      const memory = "model requires more system memory (5.6 GiB) than is available (3.1 GiB)";
      const little = await ask(refused(500, JSON.stringify({ error: memory })));
      assert.match(little, /^I can't answer: the machine of my model has too little memory for it/);
      const { findings } = await status(bot);
      const check = findings.find(({ id }) => id === "llm:openai/barnacle-script");
      assert.ok(JSON.stringify(check).includes(memory), JSON.stringify(check));

      const busy = refused(429, '{"detail":[{"loc":["key"],"msg":"spent"}]}', {
        "retry-after": "72000",
      });
      const later = await ask(busy);
      assert.match(later, /^My model takes no more requests for now\..* <t:\d+:R> \(<t:\d+:f>\)/);
      assert.ok(bot.lines.some((line) => /"A turn failed".*answered 429: key: spent/.test(line)));

      const reading = Promise.withResolvers<() => void>();
      answers((response, messages) => reading.resolve(() => answered(response, messages)));
      say("grace", "general", `${mention} question ${++count}`);
      const lineOf = () => written("general").find((text) => text.startsWith("⏳ "));
      const line = await until("the line", lineOf, 45_000);
      assert.match(line, /^⏳ my model is still reading, .* · 3\d s$/);
      (await reading.promise)();
      await until("the answer in place of the line", () => {
        const texts = written("general");
        return texts.length === count && texts.at(-1) === "It ebbs.";
      });
      assert.doesNotMatch(written("general").join("\n"), /Let me look|thought/);
    });
  });
});

/** A server whose model names the colour of each image that it gets. */
async function withSight(play: (baseUrl: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk) => body += chunk).on("end", () => {
      if (request.method !== "POST") return void response.writeHead(404).end();
      const isSecond = body.includes('"role":"tool"');
      const colour = body.includes("data:image/png;base64,") ? "red" : "none";
      const call = { name: "report_colour", arguments: JSON.stringify({ colour }) };
      const delta = isSecond
        ? { content: "The sea is wide. It carries ships to far coasts." }
        : { tool_calls: [{ index: 0, id: "call_1", type: "function", function: call }] };
      const finish_reason = isSecond ? "stop" : "tool_calls";
      const usage = { prompt_tokens: 200, completion_tokens: 9, total_tokens: 209 };
      const chunk = { choices: [{ index: 0, delta, finish_reason }], usage };
      response.setHeader("content-type", "text/event-stream")
        .end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address !== "string");
  try {
    await play(`http://127.0.0.1:${address.port}/v1`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("[L4] barnacle model test", () => {
  it("tells what each model can do, and ends with 1 if one gives no answer", () =>
    withSight((baseUrl) =>
      withSimulation({}, async (scene) => {
        const { cli, model } = scene;
        const models = { seeing: { contextWindow: 32_000 } };
        const providers = {
          sight: { kind: "openai-compatible", baseUrl, models },
          script: { kind: "openai-compatible", baseUrl: model.baseUrl },
        };
        const fallbacks = ["script/barnacle-script"];
        const use = (primary: string) =>
          writeConfig(scene, {
            models: { providers },
            agents: { defaults: { model: { primary, fallbacks } } },
          });
        use("sight/seeing");
        const { code, stdout, stderr } = await cli("model", "test");
        const text = stdout.join("\n");
        assert.equal(code, 0, stderr.join(""));
        assert.match(
          text,
          /^Model +sight\/seeing\nLatency +\d+\.\d\d s\nLong prompt +first token after \d+\.\d\d s, \d+ tokens a second.*\nTools +yes\nSecond step +yes\nImages +yes\nStream +no; it came in one piece.*\nWindow +32000 tokens \(from the config\)\nTokens +200 \+ 9\n+Model +script\/barnacle-script\n[^]*\nTools +no; set a model that calls tools.*\nImages +no; for pictures.*\n(?:Stream.*\n)?Window +32768 tokens \(assumed: its server does not tell\)/,
        );
        model.behave("unauthorized");
        const failed = await cli("model", "test", "--json");
        assert.equal(failed.code, 1);
        const [seeing, script] = JSON.parse(failed.stdout.join(""));
        assert.equal(seeing.images, true);
        assert.equal(seeing.windowFrom, "from the config");
        assert.equal(script.failure.kind, "unauthorized");
      })
    ));
});
