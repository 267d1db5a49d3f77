/** Tests the MCP server with the SDK's own client, over HTTP and over stdio (O14). */

import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { apiConfig, apiUrl, PROGRAM_TOKEN } from "../../support/bot/api.ts";
import {
  commandUnderTest,
  type Scene,
  type SceneOptions,
  withSimulation,
} from "../../support/bot/e2e.ts";

type Ask = (name: string, given?: object) => Promise<{ text: string; isError: boolean }>;

interface McpScene extends Scene {
  readonly client: Client;
  readonly call: Ask;
}

/** Connects to the bot, with a program of that person. */
function withMcp(
  how: "http" | "stdio",
  as: string,
  test: (scene: McpScene) => Promise<void>,
  options: SceneOptions = {},
): Promise<void> {
  return withSimulation(options, async (scene) => {
    const { start, rewrite, user, line, simulator, dataDir, configFile } = scene;
    rewrite({ ...options, config: { ...options.config, ...apiConfig(user(as).id) } });
    const bot = await start();
    const url = apiUrl(await line(bot, /"Programs can reach the bot"/));
    await line(bot, /"Barnacle is running"/);
    const client = new Client({ name: "foreign", version: "1.0.0" });
    const { program, args } = commandUnderTest();
    await client.connect(
      how === "http"
        ? new StreamableHTTPClientTransport(new URL("/mcp", url), {
          requestInit: { headers: { Authorization: `Bearer ${PROGRAM_TOKEN}` } },
        })
        : new StdioClientTransport({
          command: program,
          args: [...args, "mcp", "serve", "--data", dataDir, "--config", configFile],
          env: {
            HOME: process.env["HOME"] ?? "/",
            PATH: process.env["PATH"] ?? "",
            DISCORD_API_URL: simulator.apiUrl,
            DISCORD_BOT_TOKEN: simulator.token,
          },
          stderr: "inherit",
        }),
    );
    const call: Ask = async (name, given = {}) => {
      const result = await client.callTool({ name, arguments: { ...given } });
      const [first] = result.content as readonly { readonly text?: string }[];
      return { text: first?.text ?? "", isError: result.isError === true };
    };
    try {
      await test({ ...scene, client, call });
    } finally {
      await client.close();
    }
  });
}

for (const how of ["http", "stdio"] as const) {
  describe(`[O14] an MCP client over ${how}`, () => {
    it("asks the agent, in a conversation that goes on", () =>
      withMcp(how, "ada", async ({ client, call, model, written }) => {
        const { tools } = await client.listTools();
        assert.deepEqual(tools.map(({ name }) => name).sort(), [
          "answer",
          "approvals",
          "ask",
          "read",
          "search",
          "send",
        ]);
        const first = await call("ask", { question: "the tide is high" });
        assert.match(first.text, /the tide is high/);
        const second = await call("ask", { question: "and now?", key: "k1" });
        assert.match(JSON.stringify(model.requests.at(-1)?.messages), /the tide is high/);
        const { length } = model.requests;
        assert.deepEqual(await call("ask", { question: "and now?", key: "k1" }), second);
        assert.equal(model.requests.length, length);
        await call("ask", { question: "alone", conversation: "other" });
        assert.doesNotMatch(JSON.stringify(model.requests.at(-1)?.messages), /the tide is high/);
        assert.deepEqual(written("dm", "ada"), []);
      }));

    it("sends, reads and searches with the rights of its person", () =>
      withMcp(how, "ada", async ({ call, say, simulator, replies }) => {
        say("grace", "general", "the lighthouse is red");
        const { id } = simulator.channel("general");
        const sent = await call("send", { channel: id, text: "hello from the house", key: "once" });
        assert.equal(sent.isError, false, sent.text);
        await call("send", { channel: id, text: "hello from the house", key: "once" });
        assert.deepEqual(await replies("general", 1), ["hello from the house"]);
        const read = await call("read", { channel: id });
        assert.match(read.text, /the lighthouse is red/);
        const direct = await call("send", { channel: "direct", text: "just you" });
        assert.equal(direct.isError, false, direct.text);
        assert.deepEqual(await replies("dm", 1, "ada"), ["just you"]);
        assert.deepEqual(await call("approvals"), {
          text: "Nothing waits for a person.",
          isError: false,
        });
      }));
  });
}

describe("[O14] what a program may not do over MCP", () => {
  it("a person without access to the bot gets no answer", () =>
    withMcp("http", "mallory", async ({ call, model }) => {
      const { text, isError } = await call("ask", { question: "let me in" });
      assert.ok(isError);
      assert.match(text, /^the bot does not answer this person: dm-not-allowed/);
      assert.equal(model.requests.length, 0);
    }));

  const cases: readonly [what: string, tool: string, given: object, answer: RegExp][] = [
    ["an empty question", "ask", { question: "" }, /question/],
    [
      "an unknown agent",
      "ask",
      { question: "x", agent: "nobody" },
      /may ask no agent "nobody"; it may ask: main/,
    ],
    ["a foreign answer", "answer", { id: "1442000000000000000" }, /house has no call 1442/],
    ["no id", "answer", { id: "abc" }, /expected the digits that `ask` returned/],
    [
      "a channel by its name",
      "send",
      { channel: "general", text: "x" },
      /expected "direct", the id/,
    ],
    ["an unknown channel", "read", { channel: "1442000000000000000" }, /can see no channel 1442/],
    ["an endless text", "send", { channel: "direct", text: "x".repeat(40_001) }, /text/],
  ];
  it("refuses each wrong argument in one line", () =>
    withMcp("http", "ada", async ({ call }) => {
      for (const [what, tool, given, answer] of cases) {
        const { text, isError } = await call(tool, given).catch((error: unknown) => ({
          text: String(error),
          isError: true,
        }));
        assert.ok(isError, what);
        assert.match(text, answer, what);
        assert.doesNotMatch(text, /\n\s+at /, what);
      }
    }, { mayRefuse: ({ status }) => status === 404 }));

  it("sees no channel of a server that its person is not in", () =>
    withMcp("http", "grace", async ({ call, simulator }) => {
      const { id } = simulator.channel("lounge");
      for (const name of ["read", "search", "send"]) {
        const given = { send: { text: "x" }, search: { query: "x" }, read: {} }[name];
        const { text, isError } = await call(name, { channel: id, ...given });
        assert.ok(isError);
        assert.equal(text, `this person can see no channel ${id}`);
      }
    }, { mayRefuse: ({ status }) => status === 404 }));

  it("sees no card of a channel that its person may not see, or may not use the bot in", () =>
    withMcp("http", "grace", async ({ call, say, mention, simulator, until }) => {
      const question =
        'call: ask {"question":"Shall heron go?","options":["yes","no"],"to":"anyone"}';
      const posted = (name: string) => simulator.posted(simulator.channel(name).id).length;
      say("ada", "general", `${mention}\n${question}`);
      await until("a card", () => posted("general") > 0 || undefined);
      assert.match((await call("approvals")).text, /heron/);
      simulator.permit({ in: "general", to: "@everyone", what: "viewChannel", as: "denied" });
      assert.equal((await call("approvals")).text, "Nothing waits for a person.");
    }, { mayRefuse: () => true }));

  it("[P9] an archived thread has the rules of its channel", () => {
    const channels = { "*": {}, help: { enabled: false } };
    return withMcp("http", "ada", async ({ call, simulator }) => {
      const { id } = simulator.channel("How do I feed krill?");
      for (const name of ["read", "send"]) {
        const { text, isError } = await call(name, {
          channel: id,
          ...name === "send" && { text: "x" },
        });
        assert.ok(isError, text);
        assert.match(text, /^the bot does not answer this person there: channel-disabled/);
      }
    }, {
      discord(simulator) {
        simulator.setThread({ in: "How do I feed krill?", isArchived: true });
        const [guildId = ""] = simulator.world.guilds.keys();
        return { guilds: { [guildId]: { channels } } };
      },
    });
  });
});
