/** Tests drawn images, as people and operators see them. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { ended, KILLED, withSimulation } from "../../support/bot/e2e.ts";
import { settleIn } from "../../support/bot/survival.ts";
import { png } from "../../support/files/samples.ts";

/** A server that draws, and the bodies of its requests. */
async function withPainter(
  play: (baseUrl: string, asked: readonly unknown[]) => Promise<void>,
): Promise<void> {
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk) => body += chunk).on("end", () => {
      asked.push([request.url, JSON.parse(body)]);
      const image = Buffer.from(png(8, 8)).toString("base64");
      response.end(JSON.stringify({
        data: [{ b64_json: image }],
        usage: { input_tokens: 10, output_tokens: 90 },
      }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address !== "string");
  try {
    await play(`http://127.0.0.1:${address.port}/v1`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const drawing = (baseUrl: string) => ({
  config: {
    tools: { draw: "studio/brush" },
    models: {
      providers: {
        studio: {
          kind: "openai-compatible",
          baseUrl,
          prices: { brush: { input: 1, output: 100, image: 0.04 } },
        },
      },
    },
  },
});

const CALL = 'call: draw {"prompt":"a barnacle at sea"}';

describe("[T6] draw", () => {
  it("[D1] draws once, and attaches the image after a crash", () =>
    withPainter((baseUrl, asked) =>
      withSimulation(drawing(baseUrl), async (scene) => {
        await settleIn(scene);
        const { start, say, mention, replies, simulator } = scene;
        const dying = await start({ BARNACLE_CRASH_AT: "before:T3" });
        say("grace", "general", `${mention}\n${CALL}`);
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        await replies("general", 1);
        assert.equal(asked.length, 1);
        const reply = simulator.posted().find(({ attachments }) => attachments.length > 0);
        assert.deepEqual(reply?.attachments.map(({ filename }) => filename), ["drawing-1.png"]);
      })
    ));
});
