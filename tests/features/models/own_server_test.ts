/**
 * Tests a server of one's own, named by variables as people copy them: it wants its answers back as
 * they came, reads for minutes, lacks memory, reads no tool calls, or refuses requests in its own forms.
 */

import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { API_KEY, withSimulation } from "../../support/bot/e2e.ts";

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
