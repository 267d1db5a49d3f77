import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BotAccount } from "../../../src/account/account.ts";
import type { GatewayInfo } from "../../../src/core/discord/gateway.ts";
import { RestError } from "../../../src/discord/rest/exchange/rest_error.ts";
import {
  isOfThisBot,
  locateGateway,
  peerOf,
  takeOver,
} from "../../../src/flows/preflight/before_connecting.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";

const placeAt = (url: string): GatewayInfo => ({
  url,
  shards: 1,
  limit: { total: 1_000, remaining: 990, resetAfterMs: 0, maxConcurrency: 1, readAt: 0 },
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
    const { url, shards, limit } = placeAt("wss://old.example");
    const at = account.now();
    Object.assign(account, { stored: { gateway: { url, at }, limit: { ...limit, shards } } });
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
