/** Tests the dashboard of a running bot in a real browser. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WITH_BROWSER } from "../../support/browser/chromium.ts";
import { loginLink, withDashboard } from "../../support/browser/dashboard.ts";
import { withSimulation } from "../../support/bot/e2e.ts";
import { give, registered } from "../../support/bot/slash.ts";

/** A text and a name that a person chooses, and that must stay text. */
const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

describe("[O6] the dashboard", WITH_BROWSER, () => {
  it("logs in by a link that works once, tells a screen reader the news, and ends the session", () =>
    withDashboard({}, async ({ page, base, judge, go }, scene) => {
      await judge();
      await page.waitForSelector("#state .headline");
      assert.equal(await page.locator("h1:focus").innerText(), "Today", "after the login");
      assert.equal(await page.innerText("#news"), "");
      assert.equal((await scene.cli("pause")).code, 0);
      await page.locator("#news", { hasText: "Paused It starts no turn" }).waitFor({
        state: "attached",
      });
      await page.locator(".skip").press("Enter");
      assert.equal(await page.locator("#page:focus").count(), 1);
      assert.equal(await page.isVisible("#login"), false, "the skip link is no login link");
      await go("Spend");
      assert.equal(await page.locator("h1:focus").innerText(), "Spend");
      const used = await loginLink(scene);
      const token = new URL(used).hash.slice(1);
      const login = () =>
        fetch(`${base}/dashboard/login`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ token }),
        });
      const shell = await fetch(used); // an unfurl uses nothing up
      assert.equal(shell.status, 200);
      assert.doesNotMatch(await shell.text(), /Krill/);
      assert.equal((await login()).status, 200);
      assert.equal((await login()).status, 401);
      await page.click("#logout");
      await page.waitForSelector("#login:not([hidden])");
      assert.equal(await page.evaluate(() => sessionStorage.length), 0);
      await judge();
    }));

  it("shows decisions live, explains one, and tells its whole story", () =>
    withDashboard({}, async ({ page, go, judge }, { say, mention, replies }) => {
      await page.waitForSelector("#state .headline");
      const silent = say("grace", "general", `nobody asked ${HOSTILE}`);
      const asked = say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      // Without a click: the page follows.
      await page.waitForSelector(`#decisions a[href*="${silent.id}"]`);
      await page.waitForSelector(`#decisions a[href*="${asked.id}"]`);
      await judge();
      await go("Activity");
      await page.waitForSelector(`#decisions li:has-text("grace"):has-text("ignored")`);
      await judge();
      await page.click(`#decisions a[href*="${asked.id}"]`);
      await page.waitForSelector("#story");
      assert.match(await page.innerText("#page"), /barnacle why \d+/);
      await page.click("#story summary");
      await page.waitForSelector('#story pre:has-text("Turn: answered")');
      assert.match(await page.innerText("#story pre"), /tokens[\s\S]*Delivery:/);
      await judge();
      await page.goBack();
      // The page of one message has the same heading: only the list tells that it is back.
      await page.waitForSelector("#page:not([aria-busy]) #decisions");
      await page.fill('input[name="message"]', "not an id");
      await page.click(".query button");
      await page.waitForSelector("#problem-of-message");
    }));
});

describe("[O6] [K2] /dashboard", () => {
  it("gives an owner a link that logs in once, which only they see", () =>
    withSimulation(
      { config: { http: { port: 0, dashboard: true } } },
      async (scene) => {
        await scene.start();
        await registered(scene);
        const told = await give(scene, { as: "ada", in: "#general", name: "dashboard" });
        const [, base = "", token] = /<(http:[^#>]+)\/dashboard#([\w-]{43})>/.exec(told) ?? [];
        assert.match(told, /one browser in, once, within 5 minutes/);
        const login = () =>
          fetch(`${base}/dashboard/login`, {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ token }),
          });
        assert.equal((await login()).status, 200);
        assert.equal((await login()).status, 401);
        assert.deepEqual(scene.written("general"), []);
        const refused = await give(scene, { as: "grace", in: "#general", name: "dashboard" });
        assert.equal(refused, "You are not authorized to do that.");
      },
    ));

  it("says that the dashboard is off; once on, a running bot reads its changed config first", () =>
    withSimulation({}, async (scene) => {
      await scene.line(await scene.start(), /"Barnacle is running"/); // it answers commands then
      await registered(scene);
      assert.equal(
        await give(scene, { as: "ada", in: "dm", name: "dashboard" }),
        "My dashboard is off. To switch it on: `barnacle config set http.dashboard true`",
      );
      const off = await scene.cli("dashboard");
      assert.equal(off.code, 78);
      assert.match(off.stderr.join("\n"), /the dashboard is off; run `barnacle config set/);
      assert.equal((await scene.cli("config", "set", "http.dashboard", "true")).code, 0);
      const { code, stdout } = await scene.cli("dashboard");
      assert.equal(code, 0);
      assert.match(stdout.join("\n"), /\/dashboard#[\w-]{43}$/);
    }));
});
