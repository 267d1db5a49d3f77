import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AlertRecord } from "../../../src/core/alerts.ts";
import { openTestStore } from "../../support/store/store.ts";

describe("[O12] createStoredAlerts()", () => {
  it("keeps the alerts of the last call, with all their parts", async () => {
    const { store: { settings } } = openTestStore();
    assert.deepEqual(await settings.alerts(), []);
    const open: AlertRecord = {
      kind: "gateway",
      about: "default",
      cause: "it is down",
      fix: "wait",
      isNoticed: false,
      since: 1,
      told: { at: 2, way: "ntfy" },
      owed: { event: "lasts", nextAt: 3, tries: 1, failed: ["dm"] },
      failure: "dm: refused",
      returns: 2,
    };
    const ended: AlertRecord = {
      kind: "disk",
      about: "",
      cause: "full",
      since: 1,
      endedAt: 2,
      returns: 0,
    };
    await settings.keepAlerts([ended], 1);
    await settings.keepAlerts([open, ended], 2);
    assert.deepEqual(await settings.alerts(), [open, ended]);
  });
});
