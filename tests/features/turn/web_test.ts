/** Tests tools that reach out of Discord, as people there see them. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

/** A server on this machine; returns its address and how to close it. */
async function serve(answer: (url: string) => object) {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer(request.url ?? "")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => void server.close() };
}

describe("[T6] [T9] tools without a config", () => {
  const play = sharedBot({});

  it("code computes, and reaches nothing of the program", () =>
    play(async ({ say, mention, replies, here }) => {
      const sources = [
        "6 * 7",
        "typeof process",
      ];
      const calls = sources.map((source) => `call: code ${JSON.stringify({ source })}`);
      say("grace", here, [mention, ...calls].join("\n"));
      const [reply = ""] = await replies(here, 1);
      assert.match(reply, /Result: 42/);
      assert.doesNotMatch(reply, /Result: object/);
    }));

  it("[SEC-R23] web_fetch reaches nothing on this machine, and the model learns why", () =>
    play(async ({ say, mention, replies, here }) => {
      let requests = 0;
      const server = createServer((_request, response) => {
        requests++;
        response.end("canary");
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      try {
        const calls = ["http://127.0.0.1/", "http://localhost/", `http://[::1]:${port}/`]
          .map((url) => `call: web_fetch ${JSON.stringify({ url })}`);
        say("grace", here, [mention, ...calls].join("\n"));
        const [reply = ""] = await replies(here, 1);
        assert.match(reply, /127\.0\.0\.1 is not on the public internet/);
        assert.match(reply, /only the ports 80 and 443/);
        assert.doesNotMatch(reply, /canary/);
        assert.equal(requests, 0);
      } finally {
        server.close();
      }
    }));
});

describe("[T9] web_search in the bot", () => {
  it("asks the operator's engine, and [R9] a found link stays whole, without a preview", async () => {
    const hit = { url: "https://evil.example/?k=1", title: "Tides", content: "High at noon." };
    const engine = await serve(() => ({ results: [hit] }));
    const config = { search: { kind: "searxng", url: engine.url } };
    try {
      await withSimulation({ config }, async ({ start, say, mention, replies, model }) => {
        await start();
        say("grace", "general", `${mention}\ncall: web_search {"query":"tides"}`);
        const [reply = ""] = await replies("general", 1);
        assert.match(reply, /1\. Tides/);
        assert.match(reply, /High at noon\./);
        assert.match(reply, /<https:\/\/evil\.example\/\?k=1>/);
        assert.doesNotMatch(model.requests.at(-1)?.system ?? "", /no web search/);
      });
    } finally {
      engine.close();
    }
  });
});
