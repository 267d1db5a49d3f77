import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { describe, it } from "node:test";
import { startSimulator } from "../../../simulator/simulator.ts";
import { type LoadRest, startAccount } from "../../../src/bot/account/account.ts";
import type { AccountOptions, AccountPorts } from "../../../src/bot/account_interface.ts";
import { createAccountHealth } from "../../../src/bot/health/account_health.ts";
import { createMeter } from "../../../src/bot/health/meters.ts";
import { createInvalidRequests } from "../../../src/core/discord/invalid_requests.ts";
import type { Model } from "../../../src/core/model.ts";
import { createTurnLimit } from "../../../src/flows/turn/control/turn_limit.ts";
import { createMetrics } from "../../../src/http/metrics.ts";
import { BUILD } from "../../support/bot/health.ts";
import { loadTestConfig } from "../../support/config.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { NO_TOOLS } from "../../support/model/tools.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { openTestStore } from "../../support/store/store.ts";

const PATIENCE_MS = 45_000;

const MODEL: Model = {
  id: "test/parrot",
  async *generate() {
    yield { kind: "text", text: "an answer" };
    yield { kind: "finish", reason: "stop" };
  },
};

async function setUp() {
  const simulator = await startSimulator();
  const [krill = ""] = simulator.world.guilds.keys();
  const { log } = recordingLog();
  const { store } = openTestStore();
  const now = Date.now;
  const options: AccountOptions = {
    config: await loadTestConfig({ guilds: { [krill]: {} } }),
    token: simulator.token,
    model: MODEL,
    checkModel: () => Promise.resolve({ id: "model", what: "", status: "pass", why: "" }),
    apiBase: `${simulator.apiUrl}/api`,
    store,
    stored: await store.gateway.loadAccount(ACCOUNT),
    dataDir: tmpdir(),
    logging: { forPart: () => log, addSecret() {}, secrets: () => [] } as never,
    version: "0.0.0",
    isConnectionDebug: false,
    workerUrl: new URL("../../../src/worker.ts", import.meta.url),
    toolServices: () => Promise.resolve(NO_TOOLS),
    searchNotes: () => Promise.resolve([]) as never,
    files: {} as never,
    env: {},
    invalidRequests: createInvalidRequests([], () => {}),
  };
  const ports: AccountPorts = {
    health: createAccountHealth(ACCOUNT, { store, now, refresh() {}, onDelay() {} }),
    meter: createMeter(createMetrics(BUILD)),
    turnLimit: createTurnLimit(() => 1),
    memory: { read() {}, turn() {}, stop() {} },
    isOurs: () => false,
    now,
    onOnline() {},
    onEnd() {},
  };
  const identified = () =>
    simulator.until(
      () => simulator.account().identifies.length > 0 || undefined,
      AbortSignal.timeout(PATIENCE_MS),
    );
  return {
    simulator,
    identified,
    start: (loadRest: LoadRest) => startAccount(options, ports, loadRest),
    async close() {
      store.close();
      await simulator.close();
    },
  };
}

describe("[B9] startAccount()", () => {
  it("connects before it has its other parts, which then get every event", async () => {
    const { simulator, identified, start, close } = await setUp();
    const running = await start(async () => {
      await identified();
      await simulator.until(
        () => simulator.connected() > 0 || undefined,
        AbortSignal.timeout(PATIENCE_MS),
      );
      const text = `<@${simulator.application.userId}> hello`;
      simulator.say({ as: "grace", in: "general", text });
      return await import("../../../src/bot/account/running.ts");
    });
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const reply = await simulator.until(() => simulator.posted("general")[0], patience);
    assert.equal(reply.content, "an answer");
    await running.stop();
    await close();
  });

  it("ends the connection and tells why if its other parts cannot be loaded", async () => {
    const { simulator, identified, start, close } = await setUp();
    const starting = start(async () => {
      await identified();
      throw new TypeError("Cannot load a module");
    });
    await assert.rejects(starting, { name: "TypeError", message: "Cannot load a module" });
    const patience = AbortSignal.timeout(PATIENCE_MS);
    await simulator.until(() => simulator.connected() === 0 || undefined, patience);
    await close();
  });

  it("ends the connection if an other part cannot be started", async () => {
    const { simulator, identified, start, close } = await setUp();
    const starting = start(async () => {
      await identified();
      return { runAccount: () => Promise.reject(new RangeError("Cannot start a part")) };
    });
    await assert.rejects(starting, { name: "RangeError" });
    const patience = AbortSignal.timeout(PATIENCE_MS);
    await simulator.until(() => simulator.connected() === 0 || undefined, patience);
    await close();
  });
});
