import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startAlerts } from "../../../src/bot/process/alerts.ts";

import { createMetrics } from "../../../src/http/metrics.ts";
import { BUILD, HEALTHY, NOW } from "../../support/bot/health.ts";
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
      const alerts = startAlerts(
        { config: () => config, store, dataDir: folder.path, env: {} },
        {
          snapshot: () => seen,
          measure: () => Promise.resolve((probes++, HEALTHY)),
          accounts: { running: () => undefined },
          metrics: createMetrics(BUILD),
          now: () => NOW,
          log,
        },
      );
      await alerts.lastLook(); // after the first one
      await alerts.stop();
      assert.equal(probes, isFailing ? 2 : 0);
    });
  }
});
