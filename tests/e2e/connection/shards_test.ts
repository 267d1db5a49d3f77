/** Tests a bot on several shards, and the bot's presence. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { addBot, addChannel, addGuild, addMember } from "../../../simulator/world/create_world.ts";
import type { World } from "../../../simulator/world/world.ts";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import {
  ended,
  type Scene,
  stopBot,
  STOPPED,
  withSimulation,
  writeConfig,
} from "../../support/bot/e2e.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";

const SHARDS = 3;
const FOUNDED_AT = Date.UTC(2026, 0, 1);
/** Snowflakes count from 2015. */
const DISCORD_EPOCH_MS = Date.UTC(2015, 0, 1);

/** Guilds such that each shard has one, with a channel named after the shard's number. */
function shardedWorld(): World {
  const { world, barnacle, people } = demoWorld();
  for (let shard = 0, at = FOUNDED_AT; shard < SHARDS; at++) {
    if (shardAt(at) !== shard) continue;
    const guild = addGuild(world, { name: `Shard ${shard}`, ownerId: people.ada.id }, at);
    addMember(guild, { userId: people.grace.id, joinedAt: at });
    addBot(world, guild, barnacle, at);
    addChannel(world, guild, { name: `shard-${shard}` }, at);
    shard++;
  }
  return world;
}

/** The id of a guild created at that time, since the time in its id decides its shard. */
function shardAt(at: number): number {
  return (at - DISCORD_EPOCH_MS) % SHARDS;
}

const config = (shards: number | "auto", presence?: object) => ({
  channels: {
    discord: {
      guilds: { "*": {} },
      dm: { allowFrom: ["ada"] },
      gateway: { shards },
      ...(presence && { presence }),
    },
  },
  http: { port: 0 },
});

const options = () => ({
  simulator: { world: shardedWorld(), identifyLimit: { maxConcurrency: 16 } },
  config: config(SHARDS),
});

const PLACES = ["shard-0", "shard-1", "shard-2"];

async function allOnline({ until, simulator }: Scene, count = SHARDS): Promise<void> {
  await until(`${count} shards to be online`, () => simulator.connected() === count);
}

/** Each user asks in each place, and each question is answered once. */
async function isAnsweredEverywhere(scene: Scene, round: number): Promise<void> {
  const { say, mention, replies, written } = scene;
  for (const place of PLACES) say("grace", place, `${mention} q${round} in ${place}.`);
  say("ada", "dm", `q${round} in private.`);
  for (const place of PLACES) {
    assert.match((await replies(place, round)).at(-1) ?? "", new RegExp(`q${round} in ${place}`));
    assert.equal(written(place).length, round);
  }
  assert.equal((await replies("dm", round, "ada")).length, round);
}

describe("[G5] several shards", () => {
  it("answer once in each guild and in direct messages, with one session each", () =>
    withSimulation(options(), async (scene) => {
      const bot = await scene.start();
      await allOnline(scene);
      await isAnsweredEverywhere(scene, 1);
      const shards = scene.simulator.sessions().map(({ shard }) => shard);
      assert.deepEqual(shards.toSorted(), [[0, 3], [1, 3], [2, 3]]);
      assert.equal(scene.simulator.account().identifies.length, SHARDS);
      const { snapshot } = await scene.status(bot);
      assert.deepEqual(snapshot.accounts[0]?.shards.map(({ id, state }) => `${id} ${state}`), [
        "default/0 ready",
        "default/1 ready",
        "default/2 ready",
      ]);
    }));

  it("[G6] miss no message when their number changes", () =>
    withSimulation(options(), async (scene) => {
      const { mention, replies, say, simulator, written } = scene;
      const bot = await scene.start();
      await allOnline(scene);
      await isAnsweredEverywhere(scene, 1);
      await stopBot(bot);
      for (const place of PLACES) say("grace", place, `${mention} q2 in ${place}.`);
      say("ada", "dm", "q2 in private.");
      writeConfig(scene, config(1));
      const next = await scene.start();
      for (const place of PLACES) assert.equal((await replies(place, 2)).length, 2);
      assert.equal((await replies("dm", 2, "ada")).length, 2);
      await scene.line(next, /number of shards has changed/);
      await scene.line(next, /Caught up/);
      await isAnsweredEverywhere(scene, 3);
      for (const place of PLACES) assert.equal(written(place).length, 3);
      assert.equal(simulator.account().resumes.length, 0);
    }));
});

describe("[C12] the bot's presence", () => {
  it("is visible from the start, and follows the config after a restart that resumes", () =>
    withSimulation({
      config: config(1, { status: "dnd", activity: "reading the tide tables" }),
    }, async (scene) => {
      const { mention, replies, say, simulator, until } = scene;
      const bot = await scene.start();
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      const { presences } = simulator.account();
      const [first] = presences;
      assert.deepEqual([first?.via, first?.status], ["identify", "dnd"]);
      assert.match(JSON.stringify(first), /reading the tide tables/);
      await stopBot(bot);
      writeConfig(scene, config(1, { status: "idle" }));
      await scene.start();
      const last = await until("the new one", () => presences.find(({ via }) => via === "update"));
      assert.equal(last.status, "idle");
      assert.doesNotMatch(JSON.stringify(last), /tide tables/);
      assert.equal(simulator.account().identifies.length, 1);
    }));
});

/**
 * Tests a second Barnacle beside the first: it does not start, and says why; or it replaces the
 * first if told to.
 */

/** Waits until a bot has exited, and returns the line with the reason. */
async function refusal(bot: SimulatedProcess): Promise<string> {
  assert.deepEqual(await ended(bot), { code: 75, signal: null }, bot.lines.join("\n"));
  const lines = bot.lines.filter((line) => line.startsWith("barnacle: "));
  assert.equal(lines.length, 1, bot.lines.join("\n"));
  assert.doesNotMatch(bot.lines.join("\n"), /internal error|^ +at /m);
  return lines[0] ?? "";
}

describe("[G11] a second instance on this host", () => {
  it("with the same token and other data exits with 75, and names the first and its data", () =>
    withSimulation({}, async (scene) => {
      const first = await scene.start();
      await using second = startSecondBot(scene);
      const line = await refusal(second);
      assert.match(line, new RegExp(`Another instance \\(pid ${first.pid}\\b`));
      assert.ok(line.includes(`data ${scene.dataDir}`), line);
      assert.match(line, /same bot token/);
      assert.ok(!line.includes(scene.simulator.token));
      assert.equal(scene.simulator.account().identifies.length, 1);
    }));
});

describe("[G11] barnacle run --force", () => {
  it("ends the first, resumes its session, and answers its open messages", () =>
    withSimulation({}, async ({ start, say, mention, replies, simulator, model, until, line }) => {
      const first = await start();
      model.behave("slow", 1);
      for (const text of ["q1", "q2"]) say("grace", "general", `${mention} ${text}`);
      await until("the turn to run", () => model.requests.length > 0);
      const second = await start({}, ["--force"]);
      assert.deepEqual(await first.exited, STOPPED);
      await line(second, new RegExp(`Asked the Barnacle with pid ${first.pid} to stop`));
      const texts = await replies("general", 2);
      assert.deepEqual(texts.map((text) => /q\d/.exec(text)?.[0]), ["q1", "q2"]);
      const { identifies, resumes } = simulator.account();
      assert.equal(identifies.length, 1);
      assert.deepEqual(resumes.map(({ outcome }) => outcome), ["resumed"]);
    }));
});
