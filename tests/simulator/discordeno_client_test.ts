/** An independent second client: discordeno 21, bare. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createGatewayManager, ShardSocketCloseCodes } from "@discordeno/gateway";
import { createRestManager } from "@discordeno/rest";
import { GatewayIntents } from "@discordeno/types";
import { startSimulator } from "../../simulator/simulator.ts";

/** Milliseconds for a wait: discordeno may lose a connection on a busy machine, and begin anew. */
const PATIENCE_MS = 60_000;
const SILENT = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} };

/** Without its queue's timers, which keep a process alive for a minute. */
const NO_TIMERS = 0;

for (const compression of [undefined, "zstd-stream"] as const) {
  describe(`[G3][G8] discordeno 21 against the simulator, ${compression ?? "uncompressed"}`, () => {
    it("connects, receives, sends, reacts and resumes", async () => {
      const sim = await startSimulator({ heartbeatIntervalMs: 5_000 });
      const applicationId = BigInt(sim.application.id);
      const rest = createRestManager({ token: sim.token, applicationId });
      rest.baseUrl = `${sim.apiUrl}/api`;
      rest.isProxied = false; // a base URL that is not Discord's would switch its queue off
      rest.deleteQueueDelay = NO_TIMERS;
      assert.equal(rest.isProxied, false);
      const until = (what: string, check: () => boolean) =>
        sim.until(() => check() || undefined, AbortSignal.timeout(PATIENCE_MS))
          .catch((cause: unknown) => {
            const seen = JSON.stringify({ states, heard, closes: sim.account().closes });
            throw new Error(`Waited in vain for ${what}: ${seen}`, { cause });
          });
      const heard: string[] = [];
      const states: string[] = [];
      const gateway = createGatewayManager({
        token: sim.token,
        connection: await rest.getGatewayBot() as never,
        intents: GatewayIntents.Guilds | GatewayIntents.GuildMessages |
          GatewayIntents.DirectMessages | GatewayIntents.MessageContent,
        preferSnakeCase: true,
        spawnShardDelay: 0,
        ...(compression && { transportCompression: compression as never }),
        logger: SILENT as never,
        events: {
          message(_shard, payload) {
            const { t, d } = payload as { t: string | null; d: Record<string, unknown> };
            if (t === "READY" || t === "RESUMED") states.push(t);
            if (t === "MESSAGE_CREATE") heard.push(String(d["content"]));
          },
        },
      });
      try {
        await gateway.spawnShards();
        await until("READY", () => states.includes("READY"));

        const said = sim.say({ as: "ada", in: "#help", text: "hello there" });
        await until("the message", () => heard.includes("hello there"));
        const sent = await rest.sendMessage(said.channelId, {
          content: "hello, Ada",
          nonce: "d-1",
          enforceNonce: true,
          allowedMentions: { parse: [] },
          messageReference: { messageId: said.id, failIfNotExists: false },
        });
        assert.equal(sent.content, "hello, Ada");
        await rest.addReaction(said.channelId, said.id, "👀");
        assert.deepEqual(sim.posted("#help").map(({ content }) => content), ["hello, Ada"]);
        assert.deepEqual(sim.posted("#help")[0]?.pings.users, []);

        sim.faults.gateway.drop(4000);
        await until("the closed connection", () => sim.connected() === 0);
        sim.say({ as: "grace", in: "#help", text: "written without a connection" });
        await until("RESUMED", () => states.includes("RESUMED"));
        await until("the replay", () => heard.includes("written without a connection"));
        assert.equal(sim.account().identifies.length, 1);
        assert.deepEqual(sim.account().resumes.map(({ outcome }) => outcome), ["resumed"]);
      } finally {
        // 3000 is the one code after which discordeno stays down
        for (const shard of gateway.shards.values()) {
          await shard.close(ShardSocketCloseCodes.Shutdown, "done");
        }
        await sim.close();
      }
    });
  });
}
