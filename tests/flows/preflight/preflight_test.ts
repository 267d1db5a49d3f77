import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  beginPreflight,
  noteUngranted,
  preflightFindings,
} from "../../../src/flows/preflight/preflight.ts";
import type { Finding } from "../../../src/core/finding.ts";
import { testAccount } from "../../support/bot/test_account.ts";

const SOON = 250;
const LATER = 60_000;

const of = (id: string, status: Finding["status"] = "warn", why: string = "so") => ({
  ...{ id, status, why, what: id },
});
const noDns = of("network.rest.dns", "fail");
const fine = of("network.clock", "pass");

/** A preflight whose checks find these in turn. */
async function preflight(...finds: readonly (readonly Finding[] | Error)[]) {
  const { account, clock, lines, quiet } = await testAccount({ beside: { preflight: {} } });
  let taken = 0;
  const check = () => {
    const found = finds[taken++] ?? [];
    return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
  };
  const before = clock.pending;
  let running = beginPreflight(account, check);
  return {
    account,
    lines,
    taken: () => taken,
    hasTimer: () => clock.pending > before,
    stop: () => running.stop(),
    /** As at a reload. */
    again() {
      running.stop();
      running = beginPreflight(account, check);
    },
    /** Lets that time pass. @returns How many checks have run. */
    async after(ms: number) {
      clock.advance(ms);
      await quiet();
      return taken;
    },
    found: () => preflightFindings(account).map(({ id }) => id),
  };
}

describe("[G13] preflight", () => {
  it("logs a problem once, checks again each minute, and logs the recovery", async () => {
    const { after, found, hasTimer, lines } = await preflight([noDns, fine], [noDns, fine], [fine]);
    assert.equal(await after(SOON - 1), 0);
    assert.equal(await after(1), 1);
    assert.deepEqual(found(), [noDns.id]);
    assert.equal(await after(LATER - 1), 1);
    assert.equal(await after(1), 2);
    await after(LATER);
    assert.deepEqual([found(), hasTimer()], [[], false], "all is well: no further check");
    assert.deepEqual(lines.map(({ level, event }) => `${level} ${event}`), [
      "error network.rest.dns: so",
      "info network.rest.dns: right again",
    ]);
  });

  it("checks again soon after a change of the config, and keeps the findings until then", async () => {
    const model = (why: string) => of("model", "fail", why);
    const { after, again, found, taken, lines } = await preflight(
      [model("no key")],
      [model("no such model")],
    );
    await after(SOON);
    again();
    assert.deepEqual([found(), taken()], [["model"], 1]);
    await after(SOON);
    again();
    await after(SOON);
    assert.equal(taken(), 3);
    assert.deepEqual(lines.map(({ event }) => event), [
      "model: no key",
      "model: no such model",
      "model: right again",
    ]);
  });

  it("checks again after a failed check, so that no finding stays for ever", async () => {
    const { after, found, hasTimer } = await preflight([noDns], new Error("a fault of ours"), []);
    await after(SOON);
    await after(LATER);
    assert.deepEqual(found(), [noDns.id]);
    await after(LATER);
    assert.deepEqual([found(), hasTimer()], [[], false]);
  });

  it("checks again for a guild, but not for a portal checkbox, which needs a restart", async () => {
    for (const [id, isAgain] of [["discord.guilds", true], ["discord.intents.x", false]] as const) {
      const { after, hasTimer, lines } = await preflight([of(id)]);
      await after(SOON);
      assert.equal(hasTimer(), isAgain);
      assert.deepEqual(lines.map(({ level }) => level), ["warn"]);
    }
  });

  it("waits longer at the start of a bot that was online within the day, and not at a reload", async () => {
    for (const [hoursAgo, expected] of [[23, 0], [25, 1]] as const) {
      const { account, clock } = await testAccount();
      const readyAt = clock.now() - hoursAgo * 3_600_000;
      Object.assign(account, { stored: { ...account.stored, readyAt } });
      let taken = 0;
      const begin = () => beginPreflight(account, () => Promise.resolve(taken++ ? [] : []));
      const first = begin();
      clock.advance(SOON);
      assert.equal(taken, expected);
      clock.advance(3_000 - SOON);
      assert.equal(taken, 1);
      first.stop();
      begin();
      clock.advance(SOON);
      assert.equal(taken, 2);
    }
  });

  it("tells of a refused intent once, whether the gateway or a check finds it", async () => {
    const id = "discord.intents.message_content";
    for (const isChecked of [true, false]) {
      const { account, after, found, lines } = await preflight([of(id)]);
      if (isChecked) await after(SOON);
      noteUngranted(account, ["message_content"]);
      assert.deepEqual([found(), lines.length], [[id], 1]);
    }
  });

  it("does nothing once stopped, or once the account has ended, or if it is off", async () => {
    const stopped = await preflight();
    stopped.stop();
    assert.equal(await stopped.after(LATER), 0);
    const { promise: finding, resolve: find } = Promise.withResolvers<readonly Finding[]>();
    const scene = await testAccount();
    const late = beginPreflight(scene.account, () => finding);
    scene.clock.advance(SOON);
    late.stop();
    find([noDns]);
    await scene.quiet();
    assert.deepEqual([scene.lines, preflightFindings(scene.account)], [[], []]);
    const ended = await preflight([noDns]);
    ended.account.end({ kind: "refused", hint: "token" });
    await ended.after(SOON);
    assert.equal(ended.hasTimer(), false);
    const { account, clock } = await testAccount({ beside: { preflight: { network: false } } });
    const { pending } = clock;
    beginPreflight(account, () => assert.fail());
    assert.equal(clock.pending, pending);
  });
});
