/** Opens the dashboard of a running bot in a real browser, as an owner does. */

import assert from "node:assert/strict";
import type { BrowserContextOptions, Page } from "playwright-core";
import { type Scene, type SceneOptions, withSimulation } from "../bot/e2e.ts";
import { axeProblems, COLOUR_RULES, openContext } from "./chromium.ts";

export interface OpenDashboard {
  readonly page: Page;
  /** `"http://127.0.0.1:1234"`. */
  readonly base: string;
  /** Goes to a page by its link in the navigation, and waits for its heading. */
  go(title: string): Promise<void>;
  /**
   * Checks the page shown with axe (and its rules for a finger, 24 px, and for links of one name), at 360,
   * 1,280 and 1,920 px, light and dark.
   */
  judge(): Promise<void>;
}

const DESKTOP = { viewport: { width: 1280, height: 900 } };

/** A small phone: its browser lays out for 360 px, and knows touch only. */
export const PHONE = {
  viewport: { width: 360, height: 740 },
  deviceScaleFactor: 3,
  isMobile: true,
  hasTouch: true,
};

/** Runs a test with a running bot and its dashboard, and checks that the page caused no error. */
export function withDashboard(
  options: SceneOptions,
  play: (dashboard: OpenDashboard, scene: Scene) => Promise<void>,
  device: BrowserContextOptions = DESKTOP,
): Promise<void> {
  const config = { ...options.config, http: { port: 0, dashboard: true, ...options.config?.http } };
  return withSimulation({ ...options, config }, async (scene) => {
    const bot = await scene.start();
    await scene.line(bot, /"The slash commands are registered"/); // Diagnostics asks for them once
    await using context = await openContext(device);
    await playIn(await context.newPage(), scene, play);
  });
}

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
  page: Page,
  scene: Scene,
  play: (dashboard: OpenDashboard, scene: Scene) => Promise<void>,
): Promise<void> {
  const url = await loginLink(scene);
  const base = new URL(url).origin;
  const complaints: string[] = [];
  const foreign: string[] = [];
  page.on("console", (message) => {
    // Chromium says this of each refused change, which the page tells the person.
    const isRefused = message.text().includes("the server responded with a status of 422");
    if (message.type() !== "error" || isRefused) return;
    complaints.push(`${message.text()} ${message.location().url}`);
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
  assert.equal(await page.locator("code code").count(), 0, `${page.url()}: code within code`);
  // Escapes that were torn apart, and values that are no text.
  assert.doesNotMatch(await page.innerText("body"), /\b(?:lt|gt|amp|quot);|\[object |\bNaN\b/);
  const before = page.viewportSize();
  for (const width of [360, 1280, 1920]) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" }); // no colours in between
      const found = await axeProblems(page, colorScheme === "dark" ? COLOUR_RULES : undefined);
      assert.deepEqual(found, [], `${page.url()}, ${width} px, ${colorScheme}`);
      const overflow: number = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      assert.ok(overflow <= 0, `${page.url()} is ${overflow} px too wide at ${width} px`);
    }
  }
  if (before) await page.setViewportSize(before);
}
