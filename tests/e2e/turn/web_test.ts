/** Tests tools that reach out of Discord, as people there see them. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";

describe("[SEC-R23] web_fetch in the bot", () => {
  it("reaches nothing on this machine, and the model learns why", () =>
    withSimulation({}, async ({ start, say, mention, replies }) => {
      let requests = 0;
      const server = createServer((_request, response) => {
        requests++;
        response.end("canary");
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      try {
        await start();
        const calls = ["http://127.0.0.1/", "http://localhost/", `http://[::1]:${port}/`]
          .map((url) => `call: web_fetch ${JSON.stringify({ url })}`);
        say("grace", "general", [mention, ...calls].join("\n"));
        const [reply = ""] = await replies("general", 1);
        assert.match(reply, /127\.0\.0\.1 is not on the public internet/);
        assert.match(reply, /only the ports 80 and 443/);
        assert.doesNotMatch(reply, /canary/);
        assert.equal(requests, 0);
      } finally {
        server.close();
      }
    }));
});
