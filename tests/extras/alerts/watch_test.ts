import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { startAlerts } from "../../../src/extras/alerts/watch.ts";

import { createMetrics } from "../../../src/http/metrics.ts";
import { BUILD, HEALTHY, NOW, only } from "../../support/bot/health.ts";
import { loadTestConfig } from "../../support/config.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { openTestStore } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("[O12] startAlerts()", () => {
  for (const isFailing of [true, false]) {
    it(`${isFailing ? "probes a store whose writes failed" : "probes no store that works"}`, async () => {
      using folder = tempDirectory();
      const { store } = openTestStore();
      const all = await loadTestConfig({}, { alerts: { ways: ["webhook"] } });
      const config = { ...all, accounts: [] };
      const { log } = recordingLog();
      let probes = 0;
      const seen = { ...HEALTHY, store: { ...HEALTHY.store, isFailing } };
      const alerts = startAlerts({
        config: () => config,
        store,
        dataDir: folder.path,
        env: {},
        snapshot: () => seen,
        measure: () => Promise.resolve((probes++, HEALTHY)),
        reachOwners: () => undefined,
        metrics: createMetrics(BUILD),
        now: () => NOW,
        log,
      });
      await alerts.lastLook(); // after the first one
      await alerts.stop();
      assert.equal(probes, isFailing ? 2 : 0);
    });
  }

  it("ends a message that is under way before it stops: cut off, it would come again", async () => {
    using folder = tempDirectory();
    const arrived = Promise.withResolvers<ServerResponse>();
    const server = createServer((_, response) => arrived.resolve(response)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { store } = openTestStore();
    const webhook = `http://127.0.0.1:${port}/`;
    const all = await loadTestConfig({}, { alerts: { ways: ["webhook"], webhook } });
    const recorded = recordingLog();
    const seen = { ...HEALTHY, ...only({ state: "ended", end: "token" }) };
    const alerts = startAlerts({
      config: () => ({ ...all, accounts: [] }),
      store,
      dataDir: folder.path,
      env: {},
      snapshot: () => seen,
      measure: () => Promise.resolve(seen),
      reachOwners: () => undefined,
      metrics: createMetrics(BUILD),
      now: () => NOW,
      log: recorded.log,
    });
    const looked = alerts.lastLook();
    const response = await arrived.promise;
    const stopped = alerts.stop();
    response.end();
    await Promise.all([looked, stopped]);
    server.closeAllConnections();
    server.close();
    const told = (await store.settings.alerts()).map(({ kind, told }) => [kind, told?.way]);
    assert.deepEqual(told, [["account", "webhook"]]);
  });
});
