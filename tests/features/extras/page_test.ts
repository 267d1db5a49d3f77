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
  /** The next message is Grace's, in a channel of the guild, and mentions the bot. */
  const asGrace = async (channel = "general") => {
    await become("Grace");
    await place(channel);
    await mention(true);
  };
  const chip = (text: string) => page.locator("#chips button", { hasText: text }).click();
  /** The last message of a person with that text. */
  const asked = (text: string) => page.locator(".message:not(.is-bot)", { hasText: text }).last();
  const answers = (text: string) => page.locator(".message.is-bot", { hasText: text });

  it("opens on a finished scene, without technical words", async () => {
    await answers("You told me that the ferry leaves at nine.").waitFor();
    await asked("The tide table").locator(".verdict.is-ignored").waitFor();
    assert.doesNotMatch(await page.innerText("body"), /\bpid\b|\bop \d|built-in script, not|\{"/);
  });

  it("[P3] shows pairing: a code, the owner's buttons with a time, and the answer", async () => {
    await become("mallory");
    assert.equal(await page.locator(".place").count(), 1, "an unknown person sees no guild");
    await say("tell me a secret");
    await asked("tell me a secret").locator(".verdict.is-ignored").waitFor();
    assert.match(
      await asked("tell me a secret").locator(".verdict").innerText(),
      /Asked to pair\s+pairing[\s\S]*channels\.discord\.dm\.policy/,
    );
    await answers("barnacle pairing approve").waitFor();

    await become("Ada");
    await place("Barnacle");
    const question = page.locator(".message.is-bot", { has: page.locator(".buttons") });
    await question.waitFor();
    assert.doesNotMatch(await question.innerText(), /<t:/);
    assert.match(await question.locator("time.timestamp").innerText(), /\d/);
    await question.locator("button:text-is('Approve')").click();
    await question.waitFor({ state: "detached" }); // the buttons work once

    await become("mallory");
    await say("and now?");
    await asked("and now?").locator("button.outcome.is-answered").waitFor();
    assert.match(await asked("and now?").locator(".verdict").innerText(), /dm-paired/);
    assert.equal(await answers("tell me a secret").count(), 0, "the first message stays unread");
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

  it("[G14] shows a killed bot, and that no message was lost", async () => {
    await asGrace();
    await page.click("#kill");
    await page.waitForSelector("#bot-dot.is-offline");
    await say("said while it was dead");
    await page.waitForSelector("#bot-dot.is-online");
    await asked("said while it was dead").locator("button.outcome.is-answered").waitFor();
    assert.equal(await answers("said while it was dead").count(), 1);
  });

  it("[T5] shows the agent: notes, a reminder, a file, a topic and its undo", async () => {
    await asGrace();
    await chip("Remember that the ferry");
    await answers("I will remember that the ferry leaves at nine.").nth(1).waitFor();
    await chip("What do you remember");
    await answers("You told me that the ferry leaves at nine.").nth(1).waitFor();
    await chip("What did I say?");
    await answers("So far I have heard").waitFor();
    await chip("Remind me in 10 seconds");
    await answers("I will remind you in 10 seconds to make tea").waitFor();
    await chip("Read the file tides.md (as Ada)");
    await answers("low tide at six").waitFor();
    assert.ok(await page.isChecked("label.person:has-text('Ada') input"), "only owners read files");
    const topic = () => page.innerText("#topic");
    const before = await topic();
    await chip("Set the topic");
    await page.locator("#topic", { hasText: "Low tide at six" }).waitFor();
    await chip("Undo that");
    await page.locator("#topic", { hasText: before }).waitFor();
    await become("Grace");
    await answers("Reminder: make tea").waitFor();
    await say("Read the file tides.md");
    await answers("I cannot do that").waitFor();
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
