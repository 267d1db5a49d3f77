/**
 * Bench: a voice call, in which one person hears the bot and interrupts it, and then three people speak
 * at once. Figures of memory are beside the idle bot's.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { addMember, addUser } from "../../simulator/world/create_world.ts";
import { give } from "../../tests/support/bot/slash.ts";
import { agree, beginCall, TALK, withCall } from "../../tests/support/voice/call_scene.ts";
import { speechLike } from "../../tests/support/voice/recordings.ts";
import { memoryOf, watchCpu } from "../stand/proc.ts";
import type { Contender } from "../stand/stand.ts";
import { median, type Readings } from "../stand/stats.ts";

/** The bot returns memory three seconds after its last work, and once more five seconds later. */
const REST_MS = 12_000;
/** The thread of calls ends 30 s after the last one. */
const LEFT_MS = 32_000;
const MEASURE_MS = 4_000;
/** Words that the speech server hears. The bot repeats them, for longer than this measures. */
const WORDS =
  "the krill rises at night, and the whale that waits below it eats until the sun is over the ice";
const STOPS = 3;
/** Heartbeats, of which the slowest counts, and milliseconds between two. */
const BEATS = 20;
const BEAT_EVERY_MS = 170;

export async function benchVoice({ command }: Contender): Promise<Readings> {
  const readings: Record<string, number> = {};
  await withCall(async ({ scene, speech }) => {
    const { simulator, until } = scene;
    const { voice, world } = simulator;
    speech.hears = () => WORDS;
    const [guild] = world.guilds.values();
    const joinedAt = Date.now();
    const { id: userId } = addUser(world, { username: "cyrus" }, joinedAt);
    if (guild) addMember(guild, { userId, joinedAt });
    const bot = await scene.start();
    const pid = bot.pid ?? 0;
    await sleep(REST_MS);
    const idle = memoryOf(pid).rssMib;
    const added = () => memoryOf(pid).rssMib - idle;

    await beginCall(scene, bot);
    await sleep(REST_MS);
    readings["callSilentMib"] = added();

    const heard = () => voice.heard("ada", simulator.application.userId);
    const said = speechLike(2_500);
    const stops: number[] = [];
    const firsts: number[] = [];
    for (let stop = 0; stop <= STOPS; stop++) {
      const begunAt = Date.now();
      await voice.say("ada", said);
      const endedAt = Date.now();
      if (stop > 0) stops.push((heard().lastAt ?? NaN) - begunAt);
      voice.forget("ada");
      await until("speech", () => heard().ms > 2_000);
      firsts.push((heard().firstAt ?? NaN) - endedAt);
      if (stop > 0) continue;
      readings["callSpeakCpu"] = await cpuShareOf(pid);
      readings["callSpeakMib"] = added();
    }
    readings["callStopMs"] = median(stops);
    readings["callFirstMs"] = median(firsts);

    await voice.say("ada", said);
    for (const who of ["grace", "cyrus"]) {
      await voice.join({ who, in: TALK });
      await agree(scene, bot, who);
    }
    const long = speechLike(4 * MEASURE_MS);
    const talks = ["ada", "grace", "cyrus"].map((who) => voice.say(who, long));
    await sleep(MEASURE_MS / 2);
    readings["callHearCpu"] = await cpuShareOf(pid);
    readings["callHearMib"] = added();
    const account = simulator.account();
    const beats: number[] = [];
    while (beats.length < BEATS) {
      await sleep(BEAT_EVERY_MS);
      const before = account.heartbeats;
      const askedAt = performance.now();
      simulator.faults.gateway.askHeartbeat();
      while (account.heartbeats === before) await sleep(1);
      beats.push(performance.now() - askedAt);
    }
    readings["callBeatMs"] = Math.max(...beats);
    await Promise.all(talks);

    await give(scene, { as: "ada", in: TALK, name: "leave" });
    await sleep(LEFT_MS + REST_MS);
    readings["callLeftMib"] = added();
  }, { command });
  return readings;
}

/** The bot's part of one core, in percent. */
async function cpuShareOf(pid: number): Promise<number> {
  const cpu = watchCpu(pid);
  const begunAt = performance.now();
  await sleep(MEASURE_MS);
  cpu.look();
  return 100 * cpu.ms() / (performance.now() - begunAt);
}
