/** Plays the dashboard on a small phone: a pasted login link, touch only, 360 px and 320 px. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import {
  loginLink,
  type OpenDashboard,
  PHONE,
  withDashboard,
} from "../../support/browser/dashboard.ts";
import { axeProblems, WITH_BROWSER } from "../../support/browser/chromium.ts";

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
  it("logs in by a link that is pasted into an open page", () =>
    withDashboard({}, async ({ page, base }, scene) => {
      await page.tap("#logout");
      await page.waitForSelector("#login:not([hidden])");
      await page.goto(`${base}/dashboard`); // opened by hand: it says where the link comes from
      assert.match(await page.innerText("#login"), /barnacle dashboard/);
      assert.equal(await page.isVisible("#login-button"), false);
      await assertFits(page);
      const link = await loginLink(scene);
      await page.evaluate(`location.href = ${JSON.stringify(link)}`);
      await page.waitForSelector("#login-button:not([hidden])");
      await assertFits(page);
      await page.tap("#login-button");
      await page.waitForSelector("#page h1");
      assert.equal(new URL(page.url()).hash, "", "no token is left in the address");
    }, PHONE));

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
