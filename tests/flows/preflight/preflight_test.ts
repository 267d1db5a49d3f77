import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  beginPreflight,
  noteUngranted,
  preflightFindings,
} from "../../../src/flows/preflight/preflight.ts";
import type { Finding } from "../../../src/core/finding.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import type { BotAccount } from "../../../src/account/account.ts";
import type { GatewayInfo } from "../../../src/core/discord/gateway.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import {
  isOfThisBot,
  locateGateway,
  peerOf,
  takeOver,
} from "../../../src/flows/preflight/before_connecting.ts";
import { ACCOUNT, channelId, messageId } from "../../support/discord/builders.ts";
import type { Foreign } from "../../../src/core/inbound/inbox.ts";
import {
  duplicateDoubt,
  sawForeign,
  stopDuplicateWatch,
} from "../../../src/flows/preflight/duplicates.ts";

const SOON = 1_000;
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
    const fault = new Error("a fault of ours");
    const { after, found, hasTimer, lines } = await preflight([noDns], fault, []);
    await after(SOON);
    await after(LATER);
    assert.deepEqual([found(), lines.at(-1)?.fields["error"]], [[noDns.id], fault]);
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

const placeAt = (url: string): GatewayInfo => ({
  url,
  limit: { total: 1_000, remaining: 990, resetAfterMs: 0, readAt: 0 },
});
const PLACE = placeAt("wss://gateway.example");
const failed = (kind: RestError["kind"]) => new RestError("no", { kind, route: "GET /" });

/** An account whose questions have these answers. No wait takes time. */
async function asking<Answer>(...answers: readonly (Answer | RestError)[]) {
  const scene = await testAccount();
  const waits: number[] = [];
  const schedule: BotAccount["schedule"] = (run, ms) => {
    waits.push(ms);
    queueMicrotask(run);
    return () => {};
  };
  const stopping = new AbortController();
  Object.assign(scene.account, { schedule, random: () => 0.5, stopping: stopping.signal });
  let asked = 0;
  const ask = () => {
    const answer = answers[asked++] ?? assert.fail("asked too often");
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const events = (level: string) => scene.lines.filter((line) => line.level === level);
  return { ...scene, ask, waits, stopping, events, asked: () => asked };
}

describe("[G5] locateGateway()", () => {
  const saved = (scene: { rows: (sql: string) => readonly object[] }) =>
    scene.rows("SELECT 1 FROM account WHERE gateway_url IS NOT NULL").length;

  it("asks for no answer that it has, and uses an older one if Discord is unreachable", async () => {
    const scene = await asking<GatewayInfo>(failed("unsent"));
    const { account, ask, waits, asked } = scene;
    const { url, limit } = placeAt("wss://old.example");
    const at = account.now();
    Object.assign(account, { stored: { gateway: { url, at }, limit } });
    assert.equal((await locateGateway(account, ask)).url, url);
    assert.equal(asked(), 0);
    Object.assign(account, { now: () => at + 24 * 60 * 60_000 });
    assert.equal((await locateGateway(account, ask)).url, url);
    assert.deepEqual([asked(), waits, saved(scene)], [1, [], 0]);
  });

  it("[X2] connects even if the URL cannot be stored", async () => {
    const { account, ask, store, events } = await asking(PLACE);
    const saveGateway = () => Promise.reject(new Error("disk full"));
    Object.assign(store, { gateway: { ...store.gateway, saveGateway } });
    assert.equal(await locateGateway(account, ask), PLACE);
    assert.equal(events("error").length, 1);
  });

  it("waits longer each time for a missing network, and logs it", async () => {
    const scene = await asking(...Array.from({ length: 12 }, () => failed("unsent")), PLACE);
    const { account, ask, waits, events } = scene;
    assert.equal(await locateGateway(account, ask), PLACE);
    assert.equal(waits.length, 12);
    assert.ok((waits[0] ?? 0) < (waits[4] ?? 0), `${waits}`);
    assert.ok(waits.every((ms) => ms > 0 && ms <= 60_000), `${waits}`);
    assert.equal(events("warn").length, 12);
    assert.equal(saved(scene), 1);
  });

  it("does not ask again after a refusal, or a fault of ours", async () => {
    for (const error of [failed("unauthorized"), new TypeError("ours")]) {
      const { account, waits } = await asking();
      await assert.rejects(locateGateway(account, () => Promise.reject(error)), error);
      assert.deepEqual(waits, []);
    }
  });
});

describe("[D1] takeOver()", () => {
  const PEER = peerOf("MTIz.abc.def", "https://discord.com/api");

  /** A store that is of another bot, and a Discord that answers from a list. */
  async function changing(...answers: readonly (RestError | "known")[]) {
    const scene = await asking(...answers);
    const { account, store, ask } = scene;
    await store.gateway.adoptPeer(ACCOUNT, "another");
    return {
      ...scene,
      take: () => takeOver(store, ACCOUNT, PEER, ask, account),
      isOthers: async () => !await store.gateway.isOtherPeer(ACCOUNT, "another"),
    };
  }

  it("is for the data of another bot or server, and not for a regenerated token", async () => {
    const { store } = await testAccount();
    const isOurs = (token: string, apiBase = "https://discord.com/api") =>
      isOfThisBot(store, ACCOUNT, peerOf(token, apiBase));
    assert.equal(await isOurs("MTIz.abc.def"), true, "an empty store");
    assert.equal(await isOurs("MTIz.new.one"), true);
    assert.equal(await isOurs("NDU2.abc.def"), false);
    assert.equal(await isOurs("MTIz.abc.def", "http://[::1]"), false);
  });

  it("deletes another bot's data once Discord has confirmed the new bot, however long that takes", async () => {
    const { store, take, isOthers, asked, lines } = await changing(failed("unavailable"), "known");
    assert.equal(await isOfThisBot(store, ACCOUNT, PEER), false);
    assert.equal(await isOthers(), true, "it has only looked");
    await take();
    assert.equal(await isOthers(), false);
    assert.equal(await isOfThisBot(store, ACCOUNT, PEER), true);
    assert.equal(asked(), 2);
    assert.match(lines.at(-1)?.event ?? "", /deleted the sessions/);
  });

  it("[O7] deletes nothing for a token that Discord refuses", async () => {
    const { take, isOthers, asked, lines } = await changing(failed("unauthorized"));
    await assert.rejects(take(), { kind: "unauthorized" });
    assert.equal(await isOthers(), true);
    assert.equal(asked(), 1);
    assert.deepEqual(lines, [], "nothing is known about another bot");
  });

  it("[G12] stops waiting when the process stops", async () => {
    const { take, isOthers, stopping, account } = await changing(failed("unavailable"));
    Object.assign(account, { schedule: () => () => {} });
    const taking = take();
    await Promise.resolve();
    stopping.abort();
    await assert.rejects(taking, { name: "AbortError" });
    assert.equal(await isOthers(), true);
  });

  it("[O2] logs once that Discord gives no answer, and once that it answers again", async () => {
    const { take, lines } = await changing(failed("unsent"), failed("unsent"), "known");
    await take();
    const [away, back, ...more] = lines;
    assert.deepEqual(away?.fields, { reason: "GET / no" });
    assert.match(back?.event ?? "", /^Discord answers again/);
    assert.equal(more.length, 1);
  });
});

const FOREIGN: Foreign = {
  messageId: messageId("1100000000000000001"),
  channelId: channelId("200000000000000001"),
  why: "unknown",
};

const SEC = 1_000;
const MIN = 60 * SEC;

async function watch() {
  const { account, clock, lines } = await testAccount();
  return {
    clock,
    account,
    lines,
    doubt: () => duplicateDoubt(account),
    levels: () => lines.map(({ level }) => level),
    /** Lets time pass, and then receives a message. */
    see(afterMs: number, why: Foreign["why"] = "unknown") {
      clock.advance(afterMs);
      sawForeign(account, [{ ...FOREIGN, why }]);
    },
  };
}

describe("[G11] sawForeign()", () => {
  it("has no doubt without foreign messages", async () => {
    const { account, doubt, clock, levels } = await watch();
    sawForeign(account, []);
    clock.advance(60 * MIN);
    assert.equal(doubt(), undefined);
    assert.deepEqual([levels(), clock.pending], [[], 0]);
  });

  it("ends with the account, and leaves no timer", async () => {
    const { account, see, clock, levels } = await watch();
    see(0);
    stopDuplicateWatch(account);
    see(0);
    assert.deepEqual([levels(), clock.pending], [["info"], 0]);
  });

  /** Delays between messages, the logged line, and the doubt after them. */
  const CASES: readonly (readonly [
    name: string,
    afterMs: readonly number[],
    levels: readonly string[],
    isDeploy: boolean,
  ])[] = [
    ["takes one for a deploy", [0], ["info"], true],
    ["takes many within a minute for a deploy", [0, 20 * SEC, 39_999], ["info"], true],
    ["doubts after a minute", [0, MIN], ["info", "warn"], false],
    ["doubts once", [0, MIN, MIN, MIN], ["info", "warn"], false],
    ["doubts of one that comes late", [0, 10 * MIN - 1], ["info", "warn"], false],
    ["forgets the first after ten minutes", [0, 10 * MIN], ["info", "info"], true],
    ["forgets ten minutes after the last", [0, 5 * MIN, 9 * MIN, 9 * MIN, 10 * MIN], [
      "info",
      "warn",
      "info",
      "info",
    ], true],
  ];
  for (const [name, afterMs, expected, isDeploy] of CASES) {
    it(name, async () => {
      const { see, doubt, levels } = await watch();
      for (const ms of afterMs) see(ms);
      assert.deepEqual(levels(), expected);
      assert.equal(doubt()?.isDeploy, isDeploy);
    });
  }

  it("logs the evidence and the next step", async () => {
    const { see, lines, clock, doubt } = await watch();
    see(0);
    see(MIN, "unsent");
    const warning = lines[1];
    assert.match(
      warning?.event ?? "",
      /may use this bot token\. If so, both answer: stop the other program, or reset/,
    );
    const evidence = "Message 1100000000000000001 in channel 200000000000000001 is by this bot, " +
      "which this process had not sent yet";
    assert.equal(warning?.fields["evidence"], evidence);
    assert.deepEqual(doubt(), {
      since: clock.now() - MIN,
      lastAt: clock.now(),
      evidence,
      isDeploy: false,
    });
  });

  it("keeps its doubt for ten minutes, and logs its end once", async () => {
    const { see, doubt, clock, levels } = await watch();
    see(0);
    assert.equal(doubt()?.isDeploy, true);
    see(MIN);
    clock.advance(10 * MIN - 1);
    assert.equal(doubt()?.isDeploy, false);
    clock.advance(1);
    assert.equal(doubt(), undefined);
    clock.advance(60 * MIN);
    assert.deepEqual(levels(), ["info", "warn", "info"]);
  });

  it("keeps its doubt if the wall clock is set back", async () => {
    const { see, clock, doubt, levels } = await watch();
    see(0);
    see(MIN);
    clock.set(-5 * MIN);
    see(0);
    assert.equal(doubt()?.isDeploy, false);
    assert.deepEqual(levels(), ["info", "warn"]);
  });
});
