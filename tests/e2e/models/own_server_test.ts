/**
 * Tests a server of one's own, named by variables as people copy them: it reads for minutes, lacks
 * memory, or refuses requests in forms of its own.
 */

import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { API_KEY, withSimulation } from "../../support/bot/e2e.ts";

type Answer = (response: ServerResponse) => void;

const answered: Answer = (response) => {
  const choices = [{ index: 0, delta: { content: "It ebbs." }, finish_reason: "stop" }];
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(`data: ${JSON.stringify({ choices })}\n\ndata: [DONE]\n\n`);
};

const refused = (status: number, body: string, headers = {}): Answer => (response) => {
  response.writeHead(status, headers);
  response.end(body);
};

/** A server that takes requests at one path, with one key, and answers as it is told. */
async function startServer() {
  let answer = answered;
  const server = createServer((request, response) => {
    const isAsked = request.url === "/v1/chat/completions?api-version=1" &&
      request.headers.authorization === `Bearer ${API_KEY}`;
    if (isAsked) answer(response);
    else refused(404, "no such path")(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    env: {
      OPENAI_BASE_URL: `"127.0.0.1:${port}/v1/chat/completions?api-version=1"`,
      OPENAI_API_KEY: `'${API_KEY}'`,
    },
    answers: (next: Answer) => void (answer = next),
  };
}

const config = { alerts: { ways: [] } };

describe("[L2] [R11] a server of one's own", () => {
  it("is found by variables as people copy them, and its words reach who can use them", async () => {
    const { server, env, answers } = await startServer();
    try {
      await withSimulation({ config, env }, async (scene) => {
        const { say, mention, replies, written, until, status, cli } = scene;
        const bot = await scene.start(env);
        const ask = async (count: number, answer: Answer) => {
          answers(answer);
          say("grace", "general", `${mention} question ${count}`);
          return (await replies("general", count))[count - 1] ?? "";
        };
        assert.equal(await ask(1, answered), "It ebbs.");
        for (const name of Object.keys(env)) {
          assert.ok(bot.lines.some((line) => line.includes(`${name} has quotes around its value`)));
        }
        assert.match((await cli("config", "check")).stderr.join("\n"), /OPENAI_API_KEY has quotes/);

        const memory = "model requires more system memory (5.6 GiB) than is available (3.1 GiB)";
        const told = await ask(2, refused(500, JSON.stringify({ error: memory })));
        assert.match(told, /^I can't answer: the machine of my model has too little memory for it/);
        const notice = await until("the owner's notice", () => written("dm", "ada")[0]);
        assert.ok(notice.includes(`its server says: \`${memory}\``), notice);
        const { checks } = await status(bot);
        const check = checks.find(({ name }) => name === "llm:openai/barnacle-script");
        assert.ok(JSON.stringify(check).includes(memory), JSON.stringify(check));

        const busy = refused(429, '{"detail":[{"loc":["key"],"msg":"spent"}]}', {
          "retry-after": "72000",
        });
        const later = await ask(3, busy);
        assert.match(later, /^My model takes no more requests for now\..* <t:\d+:R> \(<t:\d+:f>\)/);
        assert.ok(bot.lines.some((line) => /"A turn failed".*answered 429: key: spent/.test(line)));

        let reading: ServerResponse | undefined;
        answers((response) => void (reading = response));
        say("grace", "general", `${mention} question 4`);
        const lineOf = () => written("general").find((text) => text.startsWith("⏳ "));
        const line = await until("the line", lineOf, 45_000);
        assert.match(line, /^⏳ my model is still reading, .* · 3\d s$/);
        assert.ok(reading);
        answered(reading);
        await until("the answer in place of the line", () => {
          const texts = written("general");
          return texts.length === 4 && texts.at(-1) === "It ebbs.";
        });
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
