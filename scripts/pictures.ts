/**
 * Makes the pictures of the demo and of the dashboard in `docs/images`, from real runs:
 * `deno run -A scripts/pictures.ts`. It needs Debian's `chromium`.
 *
 * `restart.svg` moves: it shows pictures of one run in turn, without a script.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type Browser, chromium, type Page } from "playwright-core";
import { startSimulation } from "../src/features/demo/simulation/simulation.ts";

const OUT = join(import.meta.dirname ?? ".", "..", "docs", "images");
const MAIN = [process.execPath, "run", "-A", "--quiet", "src/main.ts"] as const;

/** Runs the program; resolves with the first line of JSON that has the field. */
async function started(
  args: readonly string[],
  field: string,
): Promise<{ readonly child: ChildProcess; readonly value: string }> {
  const [program, ...rest] = MAIN;
  const child = spawn(program, [...rest, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  for await (const line of createInterface({ input: child.stdout })) {
    const value: unknown = line.startsWith("{") ? JSON.parse(line)[field] : undefined;
    if (typeof value === "string") return { child, value };
  }
  throw new Error(`${args.join(" ")} has no ${field}`);
}

async function pictureOf(page: Page): Promise<Buffer> {
  const session = await page.context().newCDPSession(page);
  const shot = { format: "webp", quality: 80 } as const;
  const { data } = await session.send("Page.captureScreenshot", shot);
  return Buffer.from(data, "base64");
}

const save = async (page: Page, name: string) =>
  writeFileSync(join(OUT, name), await pictureOf(page));

/** An image that shows pictures in turn; the last one, if a reader wants no movement. */
function movingPicture(
  frames: readonly { readonly picture: Buffer; readonly sec: number }[],
  [width, height]: readonly [number, number],
): string {
  const all = frames.reduce((sum, { sec }) => sum + sec, 0);
  let from = 0;
  const rules: string[] = [];
  const images = frames.map(({ picture, sec }, at) => {
    const [begin, end] = [100 * from / all, 100 * (from + sec) / all];
    from += sec;
    rules.push(
      `@keyframes f${at}{0%,${begin}%{opacity:0}${begin + 0.1}%,${end}%{opacity:1}` +
        `${Math.min(100, end + 0.1)}%,100%{opacity:${end === 100 ? 1 : 0}}}` +
        `#f${at}{animation:f${at} ${all}s infinite}`,
    );
    return `<image id="f${at}" width="${width}" height="${height}" ` +
      `href="data:image/webp;base64,${picture.toString("base64")}"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `width="${width}" height="${height}"><style>` +
    `@media (prefers-reduced-motion:no-preference){${rules.join("")}}</style>` +
    `${images.join("")}</svg>\n`;
}

/** The demo as it opens, and a kill: each picture is of the same run. */
async function demo(browser: Browser): Promise<void> {
  const size = { width: 820, height: 560 };
  const { child, value } = await started(["demo", "--json", "--port", "0"], "page");
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(value);
    await page.waitForSelector("#bot-dot.is-online");
    await page.locator(".message.is-bot").first().waitFor();
    await sleep(1_500);
    await save(page, "demo.webp");
    await page.setViewportSize(size);
    await page.locator("#tour button", { hasText: "Close" }).click();
    const frames = [{ picture: await pictureOf(page), sec: 2 }];
    const frame = async (sec: number) => frames.push({ picture: await pictureOf(page), sec });
    await page.click("#kill");
    await page.waitForSelector("#bot-dot.is-offline");
    await page.fill("#words", "What do you remember about the ferry?");
    await frame(2);
    await page.press("#words", "Enter");
    await sleep(300);
    await frame(2);
    await page.waitForSelector("#bot-dot.is-online");
    await page.locator(".message.is-bot", { hasText: "leaves at nine" }).nth(1).waitFor();
    await sleep(500);
    await frame(4);
    writeFileSync(join(OUT, "restart.svg"), movingPicture(frames, [size.width, size.height]));
  } finally {
    child.kill("SIGINT");
    await once(child, "exit");
  }
}

/** The dashboard of a bot that has answered, ignored and refused messages. */
async function dashboard(browser: Browser): Promise<void> {
  const { simulator, startBot, configFile, dataDir, close } = await startSimulation({
    config: ({ world: { guilds } }) => ({
      channels: {
        discord: {
          guilds: Object.fromEntries([...guilds.keys()].slice(0, 1).map((id) => [id, {}])),
          dm: { allowFrom: ["ada"] },
        },
      },
      http: { port: 0, dashboard: true, showText: true },
    }),
  });
  try {
    const { lines } = startBot();
    const seen = async (event: string) => {
      while (!lines.some((line) => line.includes(event))) await sleep(100);
    };
    await seen("The bot is ready");
    const mention = `<@${simulator.application.userId}>`;
    simulator.say({ as: "ada", in: "general", text: "The tide table is in the harbour office" });
    simulator.say({ as: "grace", in: "general", text: `${mention} when does the ferry leave?` });
    simulator.say({ as: "mallory", in: "dm", text: "May I ask you something?" });
    await seen("The model answered");
    await seen("pairing code");
    const at = ["--config", configFile, "--data", dataDir];
    const { child, value } = await started(["dashboard", "--json", ...at], "url");
    child.kill();
    const page = await browser.newPage({ viewport: { width: 1000, height: 760 } });
    await page.goto(value);
    await page.click("#login-button");
    await page.waitForSelector("#page h1");
    await page.goto(`${new URL(value).origin}/dashboard/today`);
    await page.waitForSelector("#page h1");
    await sleep(500);
    await save(page, "today.webp");
  } finally {
    await close();
  }
}

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  await demo(browser);
  await dashboard(browser);
} finally {
  await browser.close();
}
