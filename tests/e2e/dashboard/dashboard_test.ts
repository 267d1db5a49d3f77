/** Tests the dashboard of a running bot in a real browser. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loginLink, WITH_BROWSER, withDashboard } from "../../support/bot/dashboard.ts";

describe("[O6] the dashboard", WITH_BROWSER, () => {
  it("logs in by a link that works once, and ends the session", () =>
    withDashboard({}, async ({ page, base, judge }, scene) => {
      await judge();
      const used = await loginLink(scene);
      const token = new URL(used).hash.slice(1);
      const login = () =>
        fetch(`${base}/dashboard/login`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ token }),
        });
      assert.equal((await fetch(used)).status, 200); // an unfurl uses nothing up
      assert.equal((await login()).status, 200);
      assert.equal((await login()).status, 401);
      await page.click("#logout");
      await page.waitForSelector("#login:not([hidden])");
      assert.equal(await page.evaluate(() => sessionStorage.length), 0);
      await judge();
    }));
});
