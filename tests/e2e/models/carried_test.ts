/** Tests servers that want their answers back as they came, and one that reads no tool calls. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { withSimulation, writeConfig } from "../../support/bot/e2e.ts";

/** A message of a request. */
interface Sent {
  readonly role: string;
  readonly content: string;
  readonly reasoning_content?: string;
}

const REFUSAL = "Missing `reasoning_content` field in the assistant message at message index 2.";
const CALL = {
  index: 0,
  id: "t1",
  type: "function",
  function: { name: "tide", arguments: "{}" },
};

/** A server as DeepSeek's: it refuses answers of its own without their thinking. */
async function withThinker(test: (baseUrl: string, thoughts: () => string) => Promise<void>) {
  let last: readonly Sent[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    if (!request.url?.endsWith("/chat/completions")) return void response.writeHead(404).end();
    const messages: readonly Sent[] = JSON.parse(body).messages;
    last = messages;
    const lacks = ({ role, reasoning_content: thought }: Sent) =>
      role === "assistant" && thought === undefined;
    if (messages.some(lacks)) {
      response.writeHead(400, { "content-type": "application/json" });
      return void response.end(JSON.stringify({ error: { message: REFUSAL } }));
    }
    const count = messages.filter(({ role }) => role === "assistant").length;
    const isResult = messages.at(-1)?.role === "tool";
    const asked = messages.findLast(({ role }) => role === "user")?.content ?? "";
    const said = asked.includes("as text")
      ? { content: `Let me look.\n<tool_call>\n{"name": "memory", "arguments": {}}\n</tool_call>` }
      : isResult || !asked.includes("first")
      ? { content: `Answer ${count}.` }
      : { tool_calls: [CALL] };
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (
      const delta of [{ reasoning_content: `thought ` }, { reasoning_content: `${count}` }, said]
    ) {
      response.write(`data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`);
    }
    response.end("data: [DONE]\n\n"); // and no reason of the end
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await test(`http://127.0.0.1:${port}/v1`, () =>
      last.map(({ reasoning_content: thought }) => thought).filter(Boolean).join());
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("[L1] [L3] a server that wants its answers back", () => {
  it("gets them in the turn and in later ones, people see none of it, and a written call is named", () =>
    withThinker((baseUrl, thoughts) =>
      withSimulation({}, async (scene) => {
        const { start, say, mention, replies, rows, cli, line, until, written } = scene;
        writeConfig(scene, {
          models: { providers: { deep: { kind: "openai-compatible", baseUrl } } },
          agents: { defaults: { model: "deep/thinker" } },
        });
        const bot = await start();
        say("grace", "general", `${mention} first`);
        assert.equal((await replies("general", 1))[0], "Answer 1.");
        assert.equal(thoughts(), "thought 0");
        say("grace", "general", `${mention} and then?`);
        assert.equal((await replies("general", 2))[1], "Answer 2.");
        assert.equal(thoughts(), "thought 0,thought 1");
        assert.equal(rows("SELECT 1 FROM entry WHERE carried IS NOT NULL").length, 3);
        const [{ key = "" } = {}] = rows("SELECT session_key AS key FROM entry LIMIT 1");
        const { stdout } = await cli("sessions", "export", String(key));
        assert.match(stdout.join("\n"), /Answer 2/);
        assert.doesNotMatch(stdout.join("\n"), /thought/);

        say("grace", "general", `${mention} as text`);
        assert.match(
          (await replies("general", 3))[2] ?? "",
          /^I can't answer: my model called a tool/,
        );
        assert.match(await line(bot, /A turn failed/), /unread_call: .*tool parser did not read/);
        await until("the owner to read it", () => written("dm", "ada").length === 1);
        assert.match(written("dm", "ada")[0] ?? "", /tool parser/);
        assert.doesNotMatch(written("general").join("\n"), /Let me look|thought/);
      })
    ));
});
