/** Tests the export of traces to a collector of OpenTelemetry. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { stopBot, withSimulation } from "../../support/bot/e2e.ts";

/** A request to the collector. */
interface Received {
  readonly path: string | undefined;
  readonly key: unknown;
  readonly body: string;
}

async function withCollector(
  play: (endpoint: string, received: readonly Received[]) => Promise<void>,
): Promise<void> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk) => body += chunk).on("end", () => {
      received.push({ path: request.url, key: request.headers["x-key"], body });
      response.setHeader("content-type", "application/json").end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address !== "string");
  try {
    await play(`http://127.0.0.1:${address.port}`, received);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("[T1] the export of traces", () => {
  it("sends one trace for each turn, at the latest when the bot stops, without any text", () =>
    withCollector((endpoint, received) =>
      withSimulation(
        { config: { otel: { endpoint, headers: { "x-key": "collector-key-1234" } } } },
        async ({ start, say, mention, replies }) => {
          const bot = await start();
          say(
            "grace",
            "general",
            `${mention} krill\ncall: code {"source":"'walrus'.toUpperCase()"}`,
          );
          await replies("general", 1);
          await stopBot(bot);
          assert.deepEqual(received.map(({ path, key }) => [path, key]), [
            ["/v1/traces", "collector-key-1234"],
          ]);
          const [{ body } = { body: "" }] = received;
          const { resourceSpans: [{ scopeSpans: [{ spans }] }] } = JSON.parse(body);
          assert.deepEqual(spans.map(({ name }: { name: string }) => name).sort(), [
            "chat barnacle-script",
            "chat barnacle-script",
            "execute_tool code",
            "invoke_agent main",
          ]);
          assert.equal(new Set(spans.map(({ traceId }: { traceId: string }) => traceId)).size, 1);
          assert.doesNotMatch(body, /krill|walrus/i);
        },
      )
    ));
});
