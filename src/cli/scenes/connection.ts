/**
 * The connection is lost in the ways in which Discord loses it, and nothing is
 * lost with it.
 *
 * @module
 */

import type { Scene, SceneSet } from "./scene.ts";

const reconnect: Scene = {
  name: "Discord asks to reconnect (op 7): resumed, and nothing missed",
  async play(set) {
    set.stage.simulator.faults.gateway.askReconnect();
    await untilAway(set);
    await missNothing(set);
  },
};

const swallowedAck: Scene = {
  name: "a heartbeat is never acknowledged: the dead connection is left and resumed",
  simulator: { heartbeatIntervalMs: 1_500 },
  async play(set) {
    const { simulator } = set.stage;
    const { gateway } = simulator.faults;
    await set.until("a first heartbeat", () => simulator.account().heartbeats > 0 || undefined);
    gateway.swallowAcks = true;
    await untilAway(set);
    gateway.swallowAcks = false;
    const [code] = simulator.account().clientCloses;
    set.assert(
      `the bot left by itself, with a code that keeps the session: ${code}`,
      code !== undefined && code !== 1000 && code !== 1001,
      simulator.account().clientCloses,
    );
    await missNothing(set);
  },
};

/** The moment at which nobody listens. */
function untilAway({ stage, until }: SceneSet): Promise<true> {
  return until("the bot to leave", () => stage.simulator.connected() === 0 || undefined);
}

/** Says something while the bot is away, and holds it to a resume and one answer. */
async function missNothing({ stage, ask, until, replies, untilReplies, assert }: SceneSet) {
  const { simulator } = stage;
  ask("grace", "#general", "did you hear that?");
  assert("something was said while nobody listened", simulator.connected() === 0);
  await until("the bot to be back", () => simulator.connected() === 1 || undefined);
  const [reply = ""] = await untilReplies(1, "#general");
  assert("it was answered after the return", reply.includes("did you hear that?"), reply);
  const { resumes, identifies } = simulator.account();
  const outcomes = resumes.map(({ outcome }) => outcome);
  assert("the session was resumed", outcomes.join() === "resumed", outcomes);
  assert("no second IDENTIFY was spent", identifies.length === 1, identifies);
  ask("grace", "#general", "and this?");
  await untilReplies(2, "#general");
  assert("two questions, two answers", replies().length === 2, replies());
}

export const CONNECTION: readonly Scene[] = [reconnect, swallowedAck];
