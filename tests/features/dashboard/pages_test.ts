/** Plays the dashboard's pages in a real browser, beside a running bot. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import { WITH_BROWSER } from "../../support/browser/chromium.ts";
import { type OpenDashboard, withDashboard } from "../../support/browser/dashboard.ts";
import { API_KEY, type Scene } from "../../support/bot/e2e.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** A text that a page must show as it is. */
const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

const note = (text: string) => `call: memory ${JSON.stringify({ action: "save", text })}`;
const remind = (input: object) => `call: remind ${JSON.stringify(input)}`;

/** Waits until the page shows a text, or does not. */
const shows = ({ page }: OpenDashboard, text: string) =>
  page.locator("#page", { hasText: text }).waitFor();
const lacks = ({ page }: OpenDashboard, text: string) =>
  page.locator("#page", { hasText: text }).waitFor({ state: "detached" });

/** Presses the button of a change, and answers its question. */
async function press({ page }: OpenDashboard, change: string, isSure = false): Promise<void> {
  await page.locator(`form[data-change="${change}"] button`).first().click();
  if (isSure) await page.click("#confirm button[value=yes]");
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
        page.locator(`#decisions tbody tr:has(.badge:has-text("${outcome}"))`);
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

  it("shows figures, gateway, outbox and server check", () =>
    withDashboard({}, async ({ page, go, judge }, { say, mention, replies }) => {
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      await go("Diagnostics");
      await page.waitForSelector("#unsent");
      assert.doesNotMatch(await page.innerText("#page"), /Krill & Co/); // Discord was not asked
      await page.click("#server-check a");
      await page.locator("#page", { hasText: "Krill & Co" }).waitFor();
      await judge();
      const shown = await page.innerText("#page");
      assert.match(shown, /Answers took \d+\.\d s, at most \d+\.\d s at|No message was answered/);
      assert.match(shown, /default\/0[\s\S]*ready/);
      assert.match(shown, /left today[\s\S]*POST \/channels\/:id\/messages/);
      assert.match(shown, /Krill & Co[\s\S]*#general/);
      assert.match(shown, /\/status/);
    }));

  it("shows the documentation of this version, finds a section, and follows links", {
    ...skipUnless(process.env["BARNACLE_BIN"] !== undefined, "the help needs a compiled program"),
  }, () =>
    withDashboard({}, async (dashboard) => {
      const { page, go, judge } = dashboard;
      await go("Help");
      await page.fill("input[name=search]", "only one role");
      await page.click("form[data-query] button");
      await page.click('#help a:text-is("How do I …?: Let only one role talk to the bot")');
      const target = page.locator(
        'h3[data-target]:focus:text-is("Let only one role talk to the bot")',
      );
      await target.waitFor();
      assert.ok(Math.abs((await target.boundingBox())?.y ?? 900) < 40, "it is at the top");
      await judge();
      await page.locator('.doc a:text-is("Access")').first().click();
      await page.locator(".doc h2", { hasText: "Access" }).waitFor();
      await page.reload(); // the address has no `#`, which would be a login
      await page.locator(".doc h2", { hasText: "Access" }).waitFor();
      await judge();
    }));

  it("lists notes with their sources, as text, and deletes them", () =>
    withDashboard({}, async (dashboard, { say, mention, replies, cli }) => {
      await dashboard.go("Memory");
      await shows(dashboard, "No notes.");
      const source = say("grace", "general", `${mention}\n${note(`tea ${HOSTILE}`)}`);
      await replies("general", 1);
      await shows(dashboard, HOSTILE); // live
      await shows(dashboard, source.id);
      await dashboard.judge();
      await press(dashboard, "memory.delete", true);
      await lacks(dashboard, HOSTILE);
      assert.match((await cli("memory", "list")).stderr.join(), /No notes/);
    }));

  it("lists schedules with the next run, pauses, resumes and deletes them", () =>
    withDashboard({}, async (dashboard, { say, mention, replies, cli }) => {
      await dashboard.go("Memory");
      await shows(dashboard, "No reminders and no scheduled tasks.");
      say(
        "grace",
        "general",
        `${mention}\n${remind({ action: "create", when: "8h", text: HOSTILE })}`,
      );
      await replies("general", 1);
      await shows(dashboard, HOSTILE);
      await dashboard.judge();
      await press(dashboard, "schedules.pause");
      await shows(dashboard, "paused");
      assert.match((await cli("schedules", "list")).stdout.join(), /paused/);
      await press(dashboard, "schedules.resume");
      await lacks(dashboard, "paused");
      await press(dashboard, "schedules.delete", true);
      await shows(dashboard, "No reminders and no scheduled tasks.");
    }));

  it("shows a transcript, exports it, begins anew, and forgets a person", () =>
    withDashboard({}, async (dashboard, { say, mention, replies, cli, user }) => {
      const { page } = dashboard;
      say("grace", "general", `${mention} ${HOSTILE} ${API_KEY}`);
      await replies("general", 1);
      await dashboard.go("Activity");
      await page.click("#sessions tbody a");
      await page.locator("#transcript .entry", { hasText: HOSTILE }).first().waitFor();
      await dashboard.judge();
      await shows(dashboard, "[redacted]");
      assert.ok(!(await page.content()).includes(API_KEY));
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.click("a[data-download]"),
      ]);
      assert.match(download.suggestedFilename(), /^session-[0-9a-f]{6}\.jsonl$/);
      const exported = readFileSync(await download.path(), "utf8");
      assert.equal(exported.trim().split("\n").map((line) => JSON.parse(line)).length, 2);
      assert.ok(!exported.includes(API_KEY));
      await press(dashboard, "sessions.reset", true);
      await page.locator("#transcript .checkpoint").waitFor();
      await dashboard.go("People");
      await page.fill("#forget input[name=user]", "nobody");
      await press(dashboard, "people.forget", true);
      await shows(dashboard, '"nobody" is not a user id');
      await page.fill("#forget input[name=user]", user("grace").id);
      await press(dashboard, "people.forget", true);
      await shows(dashboard, `Forgot user ${user("grace").id}`);
      const { stdout } = await cli("sessions", "list", "--json");
      assert.ok(!stdout.join().includes("grace"));
    }));

  it("shows spending by day, agent, channel and person, and the limits", () =>
    withDashboard(
      { config: { budgets: { total: { tokensPerDay: 1_000_000 } } } },
      async (dashboard, { say, mention, replies }) => {
        const { page } = dashboard;
        /** Without `waitForFunction`, whose `eval` the page's policy refuses. */
        const untilDays = async (count: number) => {
          while (await page.locator("#days svg rect").count() !== count);
        };
        say("grace", "general", `${mention} hello`);
        await replies("general", 1);
        await dashboard.go("Spend");
        await page.locator("#by-user tbody th", { hasText: "grace (" }).first().waitFor();
        await page.locator("#by-channel tbody th", { hasText: "#general (" }).first().waitFor();
        assert.match(
          await page.innerText("#limits"),
          /budgets\.total\.tokensPerDay: \d+ of 1000000/,
        );
        assert.equal(await page.locator("#days svg rect").count(), 30);
        await dashboard.judge();
        await page.selectOption("select[name=days]", "7");
        await page.click("form[data-query] button");
        await untilDays(7);
        await page.goto(`${dashboard.base}/dashboard/spend?days=<script>`);
        await untilDays(30);
      },
    ));

  it("[P3] approves and revokes pairing, live", () =>
    withDashboard({}, async (dashboard, { say, replies, written }) => {
      const { page } = dashboard;
      await shows(dashboard, "Nothing needs you.");
      say("mallory", "dm", "let me in");
      await replies("dm", 1, "mallory");
      await page.locator("#questions tbody", { hasText: "mallory" }).waitFor();
      await dashboard.judge();
      await press(dashboard, "pairing.approve");
      await shows(dashboard, "Nothing needs you.");
      await dashboard.go("People");
      await page.locator("#paired tbody", { hasText: "mallory" }).waitFor();
      await replies("dm", 2, "mallory");
      say("mallory", "dm", "hello");
      await replies("dm", 3, "mallory");
      await press(dashboard, "pairing.revoke", true);
      await shows(dashboard, "No one is paired.");
      assert.equal(written("dm", "mallory").length, 3);
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

  it("[P1] shows the matrix, and tests a person by the bot's own engine", () =>
    withDashboard({}, async (dashboard) => {
      const { page } = dashboard;
      await dashboard.go("People");
      await page.locator('[id^="matrix"] tbody th', { hasText: "direct messages" }).waitFor();
      await dashboard.judge();
      await page.fill("input[name=user]", "grace");
      await page.fill("input[name=channel]", "#nowhere");
      await page.press("input[name=channel]", "Enter");
      await shows(dashboard, 'unknown channel "#nowhere"');
      await page.fill("input[name=channel]", "#general");
      await page.fill("input[name=text]", HOSTILE);
      await press(dashboard, "access.test");
      await shows(dashboard, "Would not be answered");
      await page.check("input[name=mention]");
      await press(dashboard, "access.test");
      await shows(dashboard, "Would be answered");
      await shows(dashboard, "Tools of the turn");
      await dashboard.judge();
    }));
});

describe("[O6] the dashboard's page Settings", WITH_BROWSER, () => {
  it("checks, compares, writes, keeps secrets, and puts the previous file back", () =>
    withDashboard({}, async (dashboard, { configFile }) => {
      const { page, go, judge } = dashboard;
      const secret = "canary-of-the-config-0123456789-abcdef";
      const written = () => JSON.parse(readFileSync(configFile, "utf8"));
      const pretty = written();
      pretty.models ??= {};
      pretty.models.providers = { mine: { kind: "anthropic", apiKey: secret } };
      writeFileSync(configFile, JSON.stringify(pretty, undefined, 2), { mode: 0o600 });
      await go("Settings");
      const text = () => page.inputValue("#config-text");
      assert.ok(!(await page.content()).includes(secret));
      assert.match(await text(), /"apiKey": "\*{38}"/);
      await judge();

      const fill = async (change: (text: string) => string) => {
        await page.fill("#config-text", change(await text()));
        await press(dashboard, "config.edit");
      };
      await fill((old) => old.replace('"discord": {', '"discord": { "histroyLimit": 7,'));
      await shows(dashboard, "Nothing was written: 1 error");
      await page.click("#editor [data-line]");
      const selected = "document.getElementById('config-text').value.slice(" +
        "document.getElementById('config-text').selectionStart, " +
        "document.getElementById('config-text').selectionEnd)";
      assert.match(String(await page.evaluate(selected)), /histroyLimit/);
      await judge();
      await fill((old) => old.replace("histroyLimit", "historyLimit"));
      await shows(dashboard, "1 change; nothing is written yet");
      await page.click("#editor button[name=confirmed]");
      await shows(dashboard, "Written, and the bot has taken it");
      assert.equal(written().channels.discord.historyLimit, 7);
      assert.equal(written().models.providers.mine.apiKey, secret);

      await fill((old) => old);
      await shows(dashboard, "The file has changed since this page was loaded");
      await go("Settings");
      await fill((old) => old.replace('"kind": "anthropic"', '"kind": "google"'));
      await shows(dashboard, "The API of a provider: changed on the terminal only");
      await go("Settings");
      await press(dashboard, "config.undo");
      await shows(dashboard, "1 change; nothing is written yet");
      await judge();
      await page.locator("#editor button[name=confirmed]").click();
      await shows(dashboard, "Written, and the bot has taken it");
      assert.equal(written().channels.discord.historyLimit, undefined);

      await page.fill("input[name=search]", "histroyLimit");
      await page.press("input[name=search]", "Enter");
      await page.locator("#search h3", { hasText: "channels.discord.historyLimit" }).first()
        .waitFor();
      await judge();
      writeFileSync(configFile, "{ nonsense", { mode: 0o600 });
      await shows(dashboard, "the last good config, because of this");
    }));
});

/** Lets a command wait, and decides it on the page. */
function channelNamed({ channels }: Simulator["world"], name: string): string {
  return [...channels.values()].find((one) => one.name === name)?.id ?? "";
}

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
