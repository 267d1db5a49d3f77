import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wakes } from "../../../src/account/per_account.ts";
import { hooks } from "../../../src/features/hooks/feature.ts";
import "../../../src/features/hooks/runner.ts"; // loaded on first use
import { SELF, testAccount } from "../../support/bot/test_account.ts";
import { ACCOUNT, userId } from "../../support/discord/builders.ts";
import { channels, discordWith, GUILD, HELP } from "../../support/discord/guild.ts";
import { guildData } from "../../support/discord/payloads.ts";
import { startFeatures, stopFeatures } from "../../../src/account/features.ts";

const MINUTE = 60_000;
const READER = "user:300000000000000002";
const SECRET = "s".repeat(32);
const HOOK = { to: READER, secret: SECRET, model: false, template: "{{ text }}", perMinute: 6 };

/** @param on An entry of `on`, whose events the test sends; absent: a hook without a model. */
async function build({ hook = {}, budgets = {}, on, says }: {
  readonly hook?: object;
  readonly budgets?: object;
  readonly on?: object;
  readonly says?: (asked: string) => Promise<string>;
} = {}) {
  const entry = { event: "member_join", post: READER, tools: [], cooldownSec: 0, ...on };
  const beside = on
    ? { agents: { list: [{ id: "main", on: [entry] }] } }
    : { budgets, hooks: { h: { ...HOOK, ...hook } } };
  const scene = await testAccount({
    beside,
    ...says && { says },
    features: [hooks],
    answer: ({ path }) => {
      const [, id] = /\/members\/(\d+)$/.exec(path) ?? [];
      return id ? { user: { id, username: "a" }, roles: [] } : undefined;
    },
  });
  const { account, store, rows, pass, posted, asked } = scene;
  const [name = "h"] = Object.keys(account.config().serverEvents);
  startFeatures(account);
  let number = 0;
  return {
    ...{ ...scene, account, asked },
    /** Texts that people get, or that the model reads. */
    told: () => on ? asked : posted(),
    runs: () => rows("SELECT state, reason FROM hook_run ORDER BY id"),
    stop: () => stopFeatures(account),
    /** An event arrives, and some time passes. */
    async event(post: string, passMs = 0, { key = "" } = {}) {
      const event = { hook: name, key, title: "", text: post, post, isEnd: false };
      const senderId = ["", "", "1600000000000000001", "", `${post} ${key}`].join("/");
      const facts = on ? { senderId, sources: ["78"] } : {};
      await store.hooks.accept({ ...event, ...facts, accountId: ACCOUNT }, account.now(), ++number);
      wakes(account).hooks();
      await pass(passMs);
    },
  };
}

describe("[W5] events of a hook", () => {
  it("are posted at once, and later ones as the rate permits", async () => {
    const { event, told } = await build();
    await event("one");
    await event("two", MINUTE / 6 - 1);
    assert.deepEqual(told(), ["one"]);
    await event("three", 1);
    assert.deepEqual(told(), ["one", "two\nthree"]);
  });

  it("that wait are one message, of which the newest stay", async () => {
    const { event, told } = await build();
    for (const sign of "abc") await event(sign.repeat(1_000));
    await event("d", MINUTE / 6);
    assert.equal(told()[1], `${"c".repeat(1_000)}\nd\n… and 1 more`);
  });

  it("are not delayed by a clock that was set back", async () => {
    const { event, told, account, clock } = await build();
    await event("one");
    clock.sleep(-60 * MINUTE);
    await event("two");
    assert.deepEqual(told(), ["one", "two"]);
    await event("three");
    assert.equal(told().length, 2);
    await event("four", MINUTE / 6);
    assert.equal(told().length, 3, String(account.now()));
  });

  it("[W3] are refused at once after their hook is removed, at any rate", async () => {
    const { event, told, reload, runs } = await build();
    await event("one");
    await reload({}, { hooks: undefined });
    await event("two");
    assert.deepEqual(runs().map(({ state }) => state), ["done", "refused"]);
    assert.equal(told().length, 1);
  });

  it("are posted without a model once a user's budget is spent", async () => {
    const budgets = { perUser: { tokensPerDay: 1 } };
    const { event, told, asked } = await build({ hook: { model: true }, budgets });
    await event("one", MINUTE);
    assert.equal(asked.length, 1);
    await event("two", MINUTE);
    assert.deepEqual([asked.length, told().at(-1)], [1, "two"]);
  });
});

describe("[W7] events of a server", () => {
  it("are gathered until they pause, and keep the cooldown", async () => {
    const { event, told } = await build({ on: { cooldownSec: 300 } });
    for (const name of ["one", "two", "three"]) await event(name, 4_000);
    assert.deepEqual(told(), []);
    await event("four", 5_000);
    assert.equal(told().length, 1);
    assert.match(told()[0] ?? "", /one.*two.*three.*four/s);
    await event("five", 5 * MINUTE - 1);
    assert.equal(told().length, 1);
    await event("six", 5_000);
    assert.equal(told().length, 2);
  });

  it("of a raid that does not pause are answered once a minute", async () => {
    const { event, told } = await build({ on: { cooldownSec: 60 } });
    for (let second = 0; second < 124; second += 2) await event(`raider ${second}`, 2_000);
    assert.equal(told().length, 2);
    assert.match(told()[0] ?? "", /n10 earlier events are left out/);
  });

  it("reach no one if no model may answer, and keep no cooldown for it", async () => {
    const { event, told, account, posted, runs } = await build({ on: { cooldownSec: 3_600 } });
    await account.store.settings.changePause(ACCOUNT, { to: true, by: "1" }, 1);
    for (const key of ["a", "b", "c"]) await event("one", 5_000, { key });
    assert.deepEqual([told(), posted()], [[], []]);
    const stopped = { state: "refused", reason: "an owner has paused the bot" };
    assert.deepEqual(runs(), [stopped, stopped, stopped]);
  });

  for (const post of [undefined, HELP]) {
    it(`of a private thread ${post ? "reach no one elsewhere" : "are answered in it"}`, async () => {
      const thread = { id: "21", type: 12, parent_id: HELP, name: "a plan", guild_id: GUILD };
      const entry = { event: "reaction", where: [`channel:${HELP}`], tools: [] };
      const on = [{ ...entry, ...post && { post: `channel:${post}` } }];
      const { account, receive, asked, pass, rows } = await testAccount({
        discord: { guilds: { [GUILD]: {} } },
        beside: { agents: { list: [{ id: "main", on }] } },
        features: [hooks],
        self: { ...SELF, userId: userId("1") }, // owns the server
        answer: (request) =>
          request.path.startsWith("/channels/21") ? thread : discordWith({})(request),
      });
      startFeatures(account);
      await receive("GUILD_CREATE", guildData({ id: GUILD, channels, threads: [thread] }));
      const user = { id: "77", username: "ada" };
      const emoji = { id: null, name: "📌" };
      const at = { guild_id: GUILD, channel_id: "21", message_id: "41" };
      await receive("MESSAGE_REACTION_ADD", { ...at, user_id: user.id, member: { user }, emoji });
      await pass(2 * MINUTE);
      const reason = "agents.list[0].on[0].post has readers who may not read its channel";
      assert.deepEqual(
        rows("SELECT state, reason FROM hook_run").map(({ state, reason }) => [state, reason]),
        [post ? ["refused", reason] : ["done", null]],
      );
      assert.equal(asked.length, post ? 0 : 1);
      await stopFeatures(account);
    });
  }

  it("stop at perDay", async () => {
    const { event, told, runs } = await build({ on: { perDay: 2 } });
    for (const text of ["one", "two", "three"]) await event(text, 2 * MINUTE);
    assert.equal(told().length, 2);
    assert.match(String(runs()[2]?.["reason"]), /perDay \(2\) is spent$/);
  });
});
