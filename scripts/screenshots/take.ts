/** Plays the demo and a bot with a dashboard, and takes the pictures in Chromium. */

import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { type Browser, chromium, type Page } from "playwright-core";
import { startSimulation } from "../../src/extras/demo/simulation/simulation.ts";
import { requestLink } from "../../src/extras/dashboard/print_link.ts";
import { type OwnCommand, startOwnProcess } from "../../src/host/process/own_process.ts";
import { DEMO_PAGE, MAX_BYTES, type Picture } from "./pictures.ts";

/** Debian's packages; the shell is the same engine without windows. */
const CHROMIUM = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].find((path) =>
  existsSync(path)
);

/** The binary of `deno task compile host`: figures of the source on Deno would mislead. */
const PROGRAM: OwnCommand = {
  program: join(import.meta.dirname ?? ".", "..", "..", "dist", "barnacle"),
  args: [],
};

/** Qualities of WebP, up to 100; the best one whose file is small enough counts. */
const QUALITIES = [70, 60, 50, 40];

/** Milliseconds until the bot has given back the memory of its start: pictures show its size. */
const SETTLE_MS = 12_000;

const MINUTE_MS = 60_000;

export interface TakenPicture {
  readonly picture: Picture;
  readonly bytes: Uint8Array;
}

/** Takes the pictures, one after the other. */
export async function* takePictures(pictures: readonly Picture[]): AsyncGenerator<TakenPicture> {
  const browser = await chromium.launch({
    ...(CHROMIUM !== undefined && { executablePath: CHROMIUM }),
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  try {
    yield* takeDemo(browser, pictures.filter(({ page }) => page === DEMO_PAGE));
    yield* takeDashboard(browser, pictures.filter(({ page }) => page !== DEMO_PAGE));
  } finally {
    await browser.close();
  }
}

/** A conversation with the demo's bot, which is killed in between. */
async function* takeDemo(
  browser: Browser,
  pictures: readonly Picture[],
): AsyncGenerator<TakenPicture> {
  if (pictures.length === 0) return;
  const said = Promise.withResolvers<string>();
  const { PATH, HOME, DENO_DIR, TMPDIR } = process.env; // without keys of models
  const demo = startOwnProcess(
    PROGRAM,
    ["demo", "--json", "--port", "0"],
    { PATH, HOME, DENO_DIR, TMPDIR },
    (line) => line.startsWith('{"page"') && said.resolve(JSON.parse(line).page),
  );
  try {
    for (const picture of pictures) {
      const page = await openTab(browser, picture);
      await page.goto(await said.promise);
      await page.click("#tour button:text-is('Close the tour')");
      await page.click("label.person:has-text('Ada')");
      await page.click(".place:has(.name:text-is('general'))");
      await page.locator("#chips button", { hasText: "Set the topic" }).click();
      await page.locator("#topic", { hasText: "Low tide at six" }).waitFor();
      await page.locator(".message.is-bot .buttons").waitFor();
      await page.click("label.person:has-text('Grace')");
      await say(page, "lovely weather for a swim", false);
      await page.locator(".verdict.is-ignored").nth(1).waitFor();
      await page.click("button.control:has-text('Kill the bot')");
      await page.waitForSelector("#bot-dot.is-offline");
      await say(page, "and if you were **killed** right now?", true);
      await page.waitForSelector("#bot-dot.is-online");
      await page.locator(".message.is-bot", { hasText: "right now?" }).waitFor();
      await page.locator("button.outcome.is-answered").nth(3).waitFor();
      await page.locator("#panel").evaluate((panel) => panel.scrollTo(0, 0));
      yield { picture, bytes: await capture(page, picture) };
    }
  } finally {
    demo.kill("SIGINT");
    await demo.exited;
  }
}

async function say(page: Page, text: string, mentions: boolean): Promise<void> {
  const isOn = await page.getAttribute("#mention", "aria-pressed") === "true";
  if (isOn !== mentions) await page.click("#mention");
  await page.fill("#words", text);
  await page.press("#words", "Enter");
}

/** Messages of people; `@` stands for a mention of the bot. */
const TALK: readonly (readonly [as: string, where: string, text: string])[] = [
  ["ada", "general", "@ Remember that the ferry leaves at nine"],
  ["grace", "general", "good morning, everyone"],
  ["grace", "help", "@ how do I feed krill?"],
  ["grace", "general", "@ What do you remember about the ferry?"],
  ["mallory", "dm", "hello, may I ask you something?"],
  ["edsger", "Elsewhere/#lounge", "@ is anybody there?"],
  ["grace", "off-topic", "which tea is the best one?"],
  ["ada", "general", "the tide table is in the harbour office"],
];

async function* takeDashboard(
  browser: Browser,
  pictures: readonly Picture[],
): AsyncGenerator<TakenPicture> {
  if (pictures.length === 0) return;
  const simulation = await startSimulation({
    command: PROGRAM,
    config: () => ({
      channels: {
        discord: {
          dm: { allowFrom: ["ada"] },
          guilds: { "krill-co": { channels: { "*": {}, "off-topic": { requireMention: false } } } },
        },
      },
      http: { port: 0, dashboard: true },
    }),
  });
  const { simulator, dataDir } = simulation;
  try {
    const bot = simulation.startBot();
    const patience = AbortSignal.timeout(MINUTE_MS);
    const until = (check: () => unknown) => simulator.until(() => check() || undefined, patience);
    await until(() => bot.lines.some((line) => line.includes("Barnacle is running")));
    await until(() => simulator.connected() > 0);
    const mention = `<@${simulator.application.userId}>`;
    let unanswered = "";
    for (const [as, where, text] of TALK) {
      const message = simulator.say({ as, in: where, text: text.replace("@", mention) });
      if (as === "grace" && !text.startsWith("@")) unanswered ||= message.id;
    }
    await until(() => simulator.posted().length >= 5);
    await sleep(SETTLE_MS);
    for (const picture of pictures) {
      const page = await openTab(browser, picture);
      await page.goto((await requestLink(dataDir)).url);
      await page.click("#login-button");
      await page.waitForSelector("#page h1");
      const query = picture.page === "activity" ? `?message=${unanswered}` : "";
      await page.goto(`${new URL(page.url()).origin}/dashboard/${picture.page}${query}`);
      await page.waitForSelector("#page:not([aria-busy]) .card");
      if (picture.page === "today") await page.waitForSelector("#state .is-good");
      yield { picture, bytes: await capture(page, picture) };
    }
  } finally {
    await simulation.close();
  }
}

async function openTab(browser: Browser, { width, height, isDark }: Picture): Promise<Page> {
  return await browser.newPage({
    viewport: { width, height },
    colorScheme: isDark ? "dark" : "light",
    reducedMotion: "reduce",
  });
}

/** Playwright takes no WebP, but the browser does. */
async function capture(page: Page, { part }: Picture): Promise<Uint8Array> {
  if (part !== undefined) {
    await page.locator(part).evaluate((element) => element.scrollIntoView({ block: "start" }));
  }
  await page.mouse.move(0, 0);
  const session = await page.context().newCDPSession(page);
  let bytes = new Uint8Array();
  for (const quality of QUALITIES) {
    const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality });
    bytes = Buffer.from(data, "base64");
    if (bytes.length <= MAX_BYTES) break;
  }
  await page.close();
  return bytes;
}
