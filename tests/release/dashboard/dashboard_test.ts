/** Tests the dashboard of a running bot in a real browser. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import type { Simulator } from "../../../simulator/simulator.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { give, registered } from "../../support/bot/slash.ts";
import { axeProblems, WITH_BROWSER } from "../../support/browser/chromium.ts";
import {
  loginLink,
  type OpenDashboard,
  PHONE,
  withDashboard,
} from "../../support/browser/dashboard.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

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

/** Waits until the page shows a text, or does not. */
const shows = ({ page }: OpenDashboard, text: string) =>
  page.locator("#page", { hasText: text }).waitFor();

/** Presses the button of a change. */
async function press({ page }: OpenDashboard, change: string): Promise<void> {
  await page.locator(`form[data-change="${change}"] button`).first().click();
}

describe("[O6] the dashboard's pages", WITH_BROWSER, () => {
  it("[A4] allows and denies commands that wait", async () => {
    using workspace = tempDirectory();
    mkdirSync(join(workspace.path, "work"));
    const options = {
      discord: (simulator: Simulator) => ({
        execApprovals: { enabled: true, approvers: [simulator.user("ada")] },
      }),
      config: {
        commands: { ownerAllowFrom: ["1456074443980800000"] },
        exec: { mode: "ask", sandbox: "off" },
        agents: { defaults: { workspace: join(workspace.path, "work") } },
      },
    };
    await withDashboard(options, async (dashboard, scene) => {
      await dashboard.go("Today");
      await shows(dashboard, "Nothing needs you.");
      await decide(dashboard, scene, "approvals.once", /it ran/);
      await decide(dashboard, scene, "approvals.deny", /denied by an approver/);
    });
  });
});

/** Who asks, the command, where, and both buttons are on one screen of a phone. */
async function fitsOneScreen({ page }: OpenDashboard): Promise<void> {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  const card = page.locator("#questions .question");
  const top = (await card.boundingBox())?.y ?? 0;
  const last = await card.locator("button").last().boundingBox();
  assert.ok(last && last.y + last.height - top <= 844, `${JSON.stringify(last)} from ${top}`);
  assert.match(await card.innerText(), /Where[\s\S]*Allow once[\s\S]*Deny[\s\S]*All facts/);
  assert.equal(await card.locator("button.is-main").count(), 1);
  if (before) await page.setViewportSize(before);
}

async function decide(
  dashboard: OpenDashboard,
  { say, mention, until, written }: Scene,
  change: string,
  answer: RegExp,
): Promise<void> {
  say("ada", "general", `${mention}\ncall: exec {"argv":["sh","-c","echo it ran"]}`);
  await dashboard.page.locator("#questions .question").waitFor();
  assert.match(await dashboard.page.innerText("#questions pre"), /echo it ran/);
  await fitsOneScreen(dashboard);
  await dashboard.judge();
  await press(dashboard, change);
  await until("an answer", () => written("general").some((text) => answer.test(text)));
  await shows(dashboard, "Nothing needs you.");
}

/** A long word without a place to break: a name of Discord has up to 32 characters. */
const LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwll".repeat(5);

/** Widths in CSS pixels: the smallest usual phone, and the one of WCAG 2.2, 1.4.10. */
const WIDTHS = [360, 320];

/** Fields with letters below 16 px: a phone zooms into them, and the page no longer fits. */
const SMALL_FIELDS = `Array.from(document.querySelectorAll("input, select, textarea"))
  .filter((field) => Number.parseFloat(getComputedStyle(field).fontSize) < 16)
  .map(({ outerHTML }) => outerHTML)`;

async function tapPage({ page }: OpenDashboard, title: string): Promise<void> {
  await page.tap(`#pages a:text-is("${title}")`);
  await page.waitForSelector(`#page:not([aria-busy]) h1:text-is("${title}")`);
}

/** Nothing is wider than the phone, each target suits a finger, and no field makes it zoom. */
async function assertFits(page: Page): Promise<void> {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: PHONE.viewport.height });
    const about = `${page.url()} at ${width} px`;
    const small = await axeProblems(page, ["target-size"]);
    // The layout's width, and the width to which a browser would shrink the page.
    const wide = await page.evaluate("Math.max(document.documentElement.scrollWidth, innerWidth)");
    assert.equal(wide, width, about);
    assert.deepEqual(small, [], about);
    assert.deepEqual(await page.evaluate(SMALL_FIELDS), [], about);
  }
  await page.setViewportSize(PHONE.viewport);
}

describe("[O6] the dashboard on a phone", WITH_BROWSER, () => {
  it("fits, and is used by touch, on each page", () =>
    withDashboard({}, async (dashboard, { say, mention, replies }) => {
      const { page } = dashboard;
      const asked = say("grace", "general", `${mention} ${LONG}`);
      await replies("general", 1);
      await page.waitForSelector(`#decisions a[href*="${asked.id}"]`);
      const titles = await page.locator("#pages a").allInnerTexts();
      assert.equal(titles.length, 3);
      for (const title of titles) {
        await tapPage(dashboard, title);
        await assertFits(page);
      }
      await tapPage(dashboard, "Activity");
      await page.tap(`#decisions a[href*="${asked.id}"]`);
      await page.tap("#story summary");
      await page.waitForSelector('#story pre:has-text("Turn: answered")');
      await assertFits(page);
    }, PHONE));
});
