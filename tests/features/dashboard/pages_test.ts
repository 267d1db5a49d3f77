/** Plays the dashboard's pages in a real browser, beside a running bot. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import { WITH_BROWSER } from "../../support/browser/chromium.ts";
import { type OpenDashboard, withDashboard } from "../../support/browser/dashboard.ts";
import type { Scene } from "../../support/bot/e2e.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** A text that a page must show as it is. */
const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

/** Waits until the page shows a text, or does not. */
const shows = ({ page }: OpenDashboard, text: string) =>
  page.locator("#page", { hasText: text }).waitFor();

/** Presses the button of a change. */
async function press({ page }: OpenDashboard, change: string): Promise<void> {
  await page.locator(`form[data-change="${change}"] button`).first().click();
}

describe("[O6] the dashboard's pages", WITH_BROWSER, () => {
  it("[P1] says what became of each message, folds equal rows, and shows words only if asked", () =>
    withDashboard({
      config: {
        http: { showText: true },
        budgets: { perUser: { tokensPerDay: 1 } },
      },
    }, async (dashboard, { say, mention, replies, model }) => {
      const { page } = dashboard;
      const answered = say("grace", "general", `${mention} hello ${HOSTILE}`);
      await replies("general", 1);
      say("grace", "general", `${mention} and now?`);
      model.behave("unauthorized");
      say("ada", "general", `${mention} why?`);
      say("ada", "general", "nobody asked");
      say("ada", "general", "nor now");
      await dashboard.go("Activity");
      const row = (outcome: string) =>
        page.locator(`#decisions li:has(.badge:has-text("${outcome}"))`);
      await row("refused").waitFor();
      await row("failed").locator("a", { hasText: /refused|key/i }).waitFor();
      assert.match(await row("answered").innerText(), /hello <img src=x/);
      assert.match(
        await row("answered").locator("a[target]").getAttribute("href") ?? "",
        new RegExp(`^https://discord\\.com/channels/\\d+/\\d+/${answered.id}$`),
      );
      await row("ignored").locator("summary", { hasText: "1 more like this" }).waitFor();
      await dashboard.judge();
    }));

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
