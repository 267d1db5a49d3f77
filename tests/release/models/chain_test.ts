/** Tests chains of models, small windows, passive agents and the head of the prompt. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import {
  type ModelBehaviour,
  type ModelServer,
  startModelServer,
} from "../../../simulator/model/server.ts";
import {
  configOf,
  ended,
  KILLED,
  type Ran,
  type Scene,
  stopBot,
  withSimulation,
  writeConfig,
} from "../../support/bot/e2e.ts";
import { type Said, startFixedModel } from "../../support/model/fixed_model.ts";
import { scriptedProgram } from "../../support/model/mcp_scripted.ts";
import { listening } from "../../support/network/listening.ts";

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
  const port = await listening(server);
  try {
    await play(`http://127.0.0.1:${port}/v1`);
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

const configOfPassive = {
  agents: {
    list: [
      { id: "main", prompt: "You are the FIRST." },
      { id: "watcher", prompt: "You are the WATCHER." },
    ],
  },
  router: {
    assignments: {
      watcher: {
        role: "passive",
        channels: ["general"],
        triggers: [{ pattern: "\\bspam\\b" }],
      },
    },
  },
};

/** Turns by agent, with their state. */
const turns = ({ rows }: Scene): readonly string[] =>
  rows("SELECT agent_id, state FROM inbox ORDER BY id").map((row) => Object.values(row).join(" "));

describe("[N1] [N2] a passive agent", () => {
  it("acts once, if the process dies between T1 and its turn", () =>
    withSimulation({ config: configOfPassive }, async (scene) => {
      const { start, say, replies } = scene;
      for (const [at, point] of ["before:T1", "after:T1", "before:T3"].entries()) {
        const dying = await start({ BARNACLE_CRASH_AT: point });
        say("ada", "general", `spam ${at}`);
        assert.deepEqual(await ended(dying), KILLED);
        const bot = await start();
        await replies("general", at + 1);
        bot.kill("SIGTERM");
        await bot.exited;
        assert.deepEqual(turns(scene), Array(at + 1).fill("watcher answered"));
      }
    }));
});

const DAY_MS = 86_400_000;
/** The least share of a request, up to its newest message, with which the next one must begin. */
const KEPT = 0.97;

/** A bot with tools of owners, whose model has such a window. */
function prepare(scene: Scene, contextWindow: number): void {
  const { simulator, model } = scene;
  const [krill] = simulator.world.guilds.values();
  assert.ok(krill);
  const models = { "barnacle-script": { contextWindow } };
  const toolsBySender = { [scene.user("mallory").id]: { deny: ["memory"], alsoAllow: ["exec"] } };
  writeConfig(scene, {
    ...configOf(simulator, {
      discord: () => ({ guilds: { [krill.id]: { toolsBySender } } }),
      config: {
        models: {
          providers: { sized: { kind: "openai-compatible", baseUrl: model.baseUrl, models } },
        },
        agents: { defaults: { model: "sized/barnacle-script" } },
        commands: { ownerAllowFrom: ["ada"] },
        tools: { prompt: "auto" },
        exec: { allow: [] },
        mcp: { servers: { asks: { ...scriptedProgram("Looks."), sandbox: "off" } } },
      },
    }),
  });
}

/** The tools of a request, and its messages before the newest one, in the order of chat templates. */
function headOf(body: string): { readonly head: string; readonly all: string } {
  const { tools, messages } = JSON.parse(body);
  const texts = messages.map((one: unknown) => JSON.stringify(one));
  const newest = messages.findLastIndex(({ role }: { role: string }) => role === "user");
  const parts = [JSON.stringify(tools), ...texts];
  return { head: parts.slice(0, newest + 1).join(""), all: parts.join("") };
}

function sharedShare(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length / one.length;
}

describe("[T2b] the head of the prompt", () => {
  for (const contextWindow of [8_192, 131_072]) {
    it(`stays over changes of speaker, topic, day, note, reminder and process, at ${contextWindow}`, async (t) => {
      let shift = -2 * DAY_MS;
      const now = () => Date.now() + shift;
      await withSimulation({ simulator: { now } }, async (scene) => {
        const { say, mention, replies, model, simulator, startWithTools } = scene;
        prepare(scene, contextWindow);
        const bodies: { readonly what: string; readonly body: string }[] = [];
        let place = "general";
        let answers = 0;
        async function ask(what: string, as: string, text = what): Promise<void> {
          const { id } = say(as, place, `${mention} ${text}`);
          await replies(place, ++answers);
          const asked = model.requests.filter(({ body }) => headOf(body).all.includes(id));
          bodies.push(...asked.map(({ body }) => ({ what, body })));
        }
        const call = (tool: string, input: object) => `\ncall: ${tool} ${JSON.stringify(input)}`;
        simulator.invite({ who: "mallory", guild: "Krill & Co" });
        const bot = await startWithTools();
        await ask("an owner", "ada");
        await ask("a member", "grace");
        await ask("a member with rules of their own", "mallory");
        await ask("the owner again", "ada");
        simulator.renameChannel(place, "krill-only");
        place = "krill-only";
        await ask("another name of the channel", "grace");
        await ask("a note", "grace", call("memory", { action: "save", text: "Grace likes krill" }));
        await ask("after a note", "ada");
        const reminder = { action: "create", when: "2h", text: "feed the krill" };
        await ask("a reminder", "ada", call("remind", reminder));
        await ask("after a reminder", "grace");
        shift += DAY_MS;
        await ask("another day", "ada");
        await stopBot(bot);
        await startWithTools();
        await ask("a member after a restart", "grace");
        await ask("the owner after a restart", "ada");

        const heads = bodies.map(({ what, body }) => ({ what, ...headOf(body) }));
        for (const [at, { what, all }] of heads.entries()) {
          const before = heads[at - 1];
          if (!before) continue;
          const kept = sharedShare(before.head, all);
          t.diagnostic(`${(kept * 100).toFixed(1)} % of ${before.head.length}: ${what}`);
          assert.ok(kept >= KEPT, `${what}: ${kept}`);
        }
      });
    });
  }
});
