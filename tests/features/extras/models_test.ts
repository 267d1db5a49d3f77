/** Tests the commands about models, as the operator runs them. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { withSimulation, writeConfig } from "../../support/bot/e2e.ts";

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
