import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { createAccountRest, NO_REST_EVENTS } from "../../../src/bot/outbound/rest.ts";
import { createInvalidRequests } from "../../../src/core/discord/invalid_requests.ts";
import { loadTestConfig } from "../../support/config.ts";
import { freePort } from "../../support/network/free_port.ts";
import { recordingLog } from "../../support/recording_log.ts";

describe("[O15] createAccountRest()", () => {
  it("sends a request that changes Discord only once the process may act", async () => {
    const served: string[] = [];
    const server = createServer((request, response) => {
      served.push(request.method ?? "");
      response.end("{}");
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const { promise: lease, resolve: renew } = Promise.withResolvers<void>();
    const now = () => Date.now();
    const { log } = recordingLog();
    const client = createAccountRest({
      config: await loadTestConfig(),
      token: "token",
      apiBase: `http://127.0.0.1:${port}`,
      version: "1.0.0",
      invalidRequests: createInvalidRequests([], () => {}),
      mayAct: () => lease,
    }, { events: () => NO_REST_EVENTS, now, log });
    const posted = client.request("POST", "/channels/1/messages", { body: "{}" });
    await client.request("GET", "/gateway/bot");
    assert.deepEqual(served, ["GET"]);
    renew();
    await posted;
    assert.deepEqual(served, ["GET", "POST"]);
    client.stop();
    server.close();
  });
});
