/** Opens the dashboard of a running bot in a real browser, as an owner does. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { skipUnless } from "../skip.ts";
import { type Scene, type SceneOptions, withSimulation } from "./e2e.ts";
import { treeProblems } from "./accessibility_tree.ts";

const CHROMIUM = "/usr/bin/chromium";

/** Options of a test that needs a browser. */
export const WITH_BROWSER = {
  ...skipUnless(existsSync(CHROMIUM), `the dashboard: no Chromium at ${CHROMIUM}`),
  timeout: 600_000,
};

/** A browser that is logged in. */
export interface OpenDashboard {
  readonly page: Page;
  /** `"http://127.0.0.1:1234"`. */
  readonly base: string;
  /** Goes to a page by its link in the navigation, and waits for its heading. */
  go(title: string): Promise<void>;
  /**
   * Checks the page shown: with axe (and its rule for a finger: 24 px), at 360, 1,280 and 1,920 px, light
   * and dark, and as a screen reader reads it.
   */
  judge(): Promise<void>;
}

/** Runs a test with a running bot and its dashboard, and checks that the page caused no error. */
export function withDashboard(
  options: SceneOptions,
  play: (dashboard: OpenDashboard, scene: Scene) => Promise<void>,
): Promise<void> {
  const config = { ...options.config, http: { port: 0, dashboard: true } };
  return withSimulation({ ...options, config }, async (scene) => {
    const bot = await scene.start();
    await scene.line(bot, /"The slash commands are registered"/); // Server check asks for them once
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    });
    try {
      await playIn(browser, scene, play);
    } finally {
      await browser.close();
    }
  });
}

/** A login link, by the command. */
export async function loginLink({ cli, eventually }: Scene): Promise<string> {
  let url = "";
  await eventually("a login link", async () => {
    const { code, stdout: [line = ""] } = await cli("dashboard", "--json");
    if (code === 0) ({ url } = JSON.parse(line));
    return code === 0;
  });
  return url;
}

async function playIn(
  browser: Browser,
  scene: Scene,
  play: (dashboard: OpenDashboard, scene: Scene) => Promise<void>,
): Promise<void> {
  const url = await loginLink(scene);
  const base = new URL(url).origin;
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(90_000); // on a busy machine
  const complaints: string[] = [];
  const foreign: string[] = [];
  page.on("console", (message) => {
    // Chromium says this of each refused change, which the page tells the person.
    const isRefused = message.text().includes("the server responded with a status of 422");
    if (message.type() === "error" && !isRefused) complaints.push(message.text());
  });
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("request", (request) => {
    if (!request.url().startsWith(base)) foreign.push(request.url());
  });
  await page.goto(url);
  await page.click("#login-button");
  await page.waitForSelector("#page h1").catch(async (error: unknown) => {
    throw new Error(`${await page.innerText("body")} ${complaints.join(" ")}`, { cause: error });
  });
  await play({
    page,
    base,
    async go(title) {
      await page.click(`#pages a:text-is("${title}")`);
      // A page that was open before keeps its heading until its new copy has arrived.
      await page.waitForSelector(`#page:not([aria-busy]) h1:text-is("${title}")`);
    },
    judge: () => judgePage(page),
  }, scene);
  assert.deepEqual(complaints, []);
  assert.deepEqual(foreign, []);
}

async function judgePage(page: Page): Promise<void> {
  assert.deepEqual(treeProblems(await page.locator("body").ariaSnapshot()), [], page.url());
  const before = page.viewportSize();
  for (const width of [360, 1280, 1920]) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.evaluate(axe.source);
      const found = await page.evaluate(async () => {
        const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run({
          rules: { "target-size": { enabled: true } }, // off by default
        });
        return violations.map(({ id, impact, nodes }) =>
          `${impact} ${id}: ${nodes.map(({ html }) => html).join(" ").slice(0, 300)}`
        );
      });
      assert.deepEqual(found, [], `${page.url()}, ${width} px, ${colorScheme}`);
      const overflow: number = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      assert.ok(overflow <= 0, `${page.url()} is ${overflow} px too wide at ${width} px`);
    }
  }
  if (before) await page.setViewportSize(before);
}
