import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { axeProblems, openContext, WITH_BROWSER } from "../../support/browser/chromium.ts";
import { type DemoProcess, startDemo } from "../demo/demo_process.ts";

/** A text that a person writes, and that the script repeats. */
const HOSTILE = '<img src=x onerror="document.title=1"> [x](javascript:alert(1)) ' +
  "<script>document.title=2</script>";

describe("[O5] the demo's page", WITH_BROWSER, () => {
  let demo: DemoProcess;
  let page: Page;
  const complaints: string[] = [];
  const foreign: string[] = [];

  before(async () => {
    demo = await startDemo();
    page = await (await openContext({ viewport: { width: 1440, height: 900 } })).newPage();
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("request", (request) => {
      if (!request.url().startsWith(demo.page)) foreign.push(request.url());
    });
    await page.goto(demo.page);
    await page.waitForSelector("#bot-dot.is-online");
  });
  after(async () => {
    await demo?.end();
  });

  const become = (name: string) => page.click(`label.person:has-text("${name}")`);
  const place = (name: string) => page.click(`.place:has(.name:text-is("${name}"))`);
  const say = async (text: string) => {
    await page.fill("#words", text);
    await page.press("#words", "Enter");
  };
  const mention = async (isWanted: boolean) => {
    const isOn = await page.getAttribute("#mention", "aria-pressed") === "true";
    if (isOn !== isWanted) await page.click("#mention");
  };
  /** The last message of a person with that text. */
  const asked = (text: string) => page.locator(".message:not(.is-bot)", { hasText: text }).last();
  const answers = (text: string) => page.locator(".message.is-bot", { hasText: text });

  it("opens on a finished scene, without technical words", async () => {
    await answers("You told me that the ferry leaves at nine.").waitFor();
    await asked("The tide table").locator(".verdict.is-ignored").waitFor();
    assert.doesNotMatch(await page.innerText("body"), /\bpid\b|\bop \d|built-in script, not|\{"/);
  });

  it("[X1] shows hostile text as text", async () => {
    await become("Ada");
    await place("off-topic");
    await mention(true);
    await say(HOSTILE);
    await answers("onerror").waitFor();
    assert.ok((await asked("onerror").innerText()).includes(HOSTILE));
    assert.equal(await page.locator(".text img, .text script, .text a").count(), 0);
    assert.equal(await page.title(), "Barnacle demo");
  });

  it("leads through the tour", async () => {
    await using own = await startDemo();
    const page = await (await openContext({ viewport: { width: 1440, height: 900 } })).newPage();
    await page.goto(own.page);
    const asked = (text: string) => page.locator(".message:not(.is-bot)", { hasText: text }).last();
    const tour = page.locator("#tour");
    await tour.locator("strong", { hasText: "Mention the bot" }).waitFor();
    const press = (label: string) => tour.locator(`button:text-is('${label}')`).click();
    await press("Ask a question as Grace");
    await asked("What did I say?").locator("button.outcome.is-answered").waitFor();
    await press("Write as mallory");
    await press("Become Ada");
    await press("Press Approve");
    await press("Write as mallory");
    await press("Open the voice channel and call the bot");
    await press("Press Hear me");
    await press("Say “When is low tide?”");
    await press("Hang up");
    await press("Kill it now");
    await press("Ask again as Grace");
    await page.waitForSelector("#bot-dot.is-online");
    await asked("What did I say?").locator("button.outcome.is-answered").waitFor();
    assert.ok(
      await page.evaluate("document.activeElement?.closest('#tour, #words') !== null"),
      "the keyboard's focus is in the tour, or after it in the message",
    );
    await tour.locator("button").first().waitFor({ state: "detached" });
    assert.equal(await tour.innerText(), "");
    await page.context().close();
  });

  it("works by keyboard alone", async () => {
    await page.reload();
    await page.waitForSelector(".app[data-ready]");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // the link that skips to the message box
    await page.keyboard.type("by keyboard");
    await page.keyboard.press("Enter");
    await asked("by keyboard").locator(".verdict").waitFor();
    const controls = page.locator("button, input, textarea, a[href]");
    const nameless = await controls.evaluateAll((all) =>
      all.filter((one) => {
        const labels = "labels" in one ? (one.labels as ArrayLike<unknown>).length : 0;
        return !one.textContent?.trim() && !one.getAttribute("aria-label") && labels === 0;
      }).map((one) => one.outerHTML)
    );
    assert.deepEqual(nameless, []);
  });

  it("has no fault that axe finds, in both colour schemes", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await axeProblems(page), []);
    }
  });

  it("fits a telephone, and both colour schemes", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [320, 390, 768, 1024, 1440]) {
        await page.setViewportSize({ width, height: 700 });
        const over = await page.locator("html").evaluate((all) =>
          all.scrollWidth - all.clientWidth
        );
        assert.ok(over <= 0, `${over} px too wide at ${width}`);
      }
    }
  });

  it("sends requests to the demo only, and causes no browser error", () => {
    assert.deepEqual(foreign, []);
    assert.deepEqual(complaints, []);
  });
});
