import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { freePort } from "../../support/network/free_port.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";
import { withSimulation } from "../../support/bot/e2e.ts";
import { NEEDS_POSTGRES, startPostgres } from "../../support/store/postgres.ts";

describe("a standby on the machine of its owner", NEEDS_POSTGRES, () => {
  it("[O1] names the owner as the program that has the written http.port", async () => {
    const server = await startPostgres();
    try {
      const env = { STORE_URL: server.create() };
      const port = await freePort();
      const config = { store: { url: "${STORE_URL}" }, http: { port, bind: "127.0.0.1" } };
      await withSimulation({ config, env }, async (scene) => {
        const owner = await scene.start();
        await scene.line(owner, /"Barnacle is running"/);
        await using standby = startSecondBot(scene, { env });
        await scene.line(standby, /so this standby has no health checks/);
        const data = join(scene.dataDir, "elsewhere");
        const { code, stderr } = await scene.command(["status", "--data", data]);
        assert.equal(code, 75);
        assert.match(
          stderr.join("\n"),
          new RegExp(`has no HTTP server: port ${port} (?:is|was) in use`),
        );
      });
    } finally {
      await server.close();
    }
  });
});
