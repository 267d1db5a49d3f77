import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPreflight, type PreflightResult } from "../../../src/flows/preflight/preflight.ts";
import type { Finding } from "../../../src/core/finding.ts";
import { recordingLog } from "../../support/recording_log.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");

const fine: Finding = { id: "network.clock", what: "Clock", status: "pass", why: "right" };
const noDns: Finding = {
  id: "network.rest.dns",
  what: "REST API: DNS",
  status: "fail",
  why: "the name is not found",
  fix: "see the name servers",
};
const noGuild: Finding = { id: "discord.guilds", what: "Guilds", status: "warn", why: "in none" };
const noContent: Finding = {
  id: "discord.intents.message_content",
  what: "Message Content Intent",
  status: "warn",
  why: "mentions only",
};

/** A preflight whose looks show these in turn, and whose next look is taken by hand. */
function preflight(looks: readonly (Partial<PreflightResult> | Error)[], readyAt?: number) {
  const { log, lines } = recordingLog();
  const timers: { run: () => void; ms: number }[] = [];
  let taken = 0;
  let refusals = 0;
  const made = createPreflight({
    now: NOW,
    firstLookMs: 250,
    trustedLookMs: 3_000,
    ...(readyAt !== undefined && { readyAt }),
  }, {
    schedule(run, ms) {
      const timer = { run, ms };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
    log,
  }, {
    check() {
      const look = looks[taken++] ?? {};
      if (look instanceof Error) return Promise.reject(look);
      return Promise.resolve({ findings: [], isRefused: false, ...look });
    },
    events: { emit: { tokenRefused: () => void refusals++ } },
  });
  async function next(): Promise<void> {
    timers.shift()?.run();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return {
    ...made,
    plan: made.start,
    lines,
    timers,
    taken: () => taken,
    refusals: () => refusals,
    /** Starts it, and takes the first look. */
    async start() {
      made.start();
      await next();
    },
    next,
  };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("[G13] createPreflight()", () => {
  it("checks again soon after a change of the config, also while a check runs", async () => {
    const model = { id: "model", what: "Model", status: "fail" as const, why: "no key" };
    const other = { ...model, why: "no such model" };
    const { start, again, next, lines, timers, taken } = preflight([
      { findings: [model] },
      { findings: [other] },
    ]);
    await start();
    assert.deepEqual(timers.map(({ ms }) => ms), [60_000], "the model may recover by itself");
    again();
    assert.deepEqual(timers.map(({ ms }) => ms), [250], "instead of the minute");
    const running = next();
    again();
    await running;
    assert.deepEqual(timers.map(({ ms }) => ms), [250]);
    await next();
    assert.equal(taken(), 3);
    assert.deepEqual(lines.map(({ event }) => event), [
      "Model: no key",
      "Model: no such model",
      "Model: right again",
    ]);
  });

  it("logs a problem once, checks again each minute, and logs the recovery", async () => {
    const run = preflight([
      { findings: [noDns, fine] },
      { findings: [noDns, fine] },
      { findings: [{ ...noDns, status: "pass" }, fine] },
    ]);
    await run.start();
    assert.deepEqual(run.findings(), [noDns]);
    assert.deepEqual(run.timers.map(({ ms }) => ms), [60_000]);
    await run.next();
    await run.next();
    assert.deepEqual(run.timers, [], "all is well: no further check");
    assert.deepEqual(run.findings(), []);
    assert.deepEqual(run.lines.map(({ level, event }) => `${level} ${event}`), [
      "error REST API: DNS: the name is not found",
      "info REST API: DNS: right again",
    ]);
  });

  it("checks again after a failed check, so that no finding stays for ever", async () => {
    const run = preflight([{ findings: [noDns] }, new Error("a fault of ours"), {}]);
    await run.start();
    await run.next();
    assert.deepEqual(run.findings(), [noDns]);
    assert.deepEqual(run.timers.map(({ ms }) => ms), [60_000]);
    await run.next();
    assert.deepEqual([run.findings(), run.timers], [[], []]);
  });

  it("checks again for a guild, but not for a portal checkbox, which needs a restart", async () => {
    const guild = preflight([{ findings: [noGuild] }]);
    await guild.start();
    assert.equal(guild.timers.length, 1);
    const content = preflight([{ findings: [noContent] }]);
    await content.start();
    assert.deepEqual(content.timers, []);
    assert.deepEqual(content.lines.map(({ level }) => level), ["warn"]);
  });

  it("reports a refused token once, and never sends it again", async () => {
    const run = preflight([{ findings: [noDns], isRefused: true }]);
    await run.start();
    assert.equal(run.refusals(), 1);
    assert.deepEqual(run.timers, []);
  });

  it("logs and schedules nothing once stopped", async () => {
    const pending = Promise.withResolvers<PreflightResult>();
    const { log, lines } = recordingLog();
    const planned: (() => void)[] = [];
    const { start, stop } = createPreflight({ now: NOW, firstLookMs: 250, trustedLookMs: 3_000 }, {
      schedule(run) {
        planned.push(run);
        return () => {};
      },
      log,
    }, {
      check: () => pending.promise,
      events: { emit: { tokenRefused: () => assert.fail("too late") } },
    });
    start();
    planned.shift()?.();
    stop();
    pending.resolve({ findings: [noDns], isRefused: true });
    await settled();
    assert.deepEqual([lines, planned], [[], []]);
  });
});
