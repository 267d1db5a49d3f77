/**
 * Scenes about lost connections, after which no message is lost.
 *
 * @module
 */

import type { Scene, SceneSet } from "./scene.ts";

const reconnect: Scene = {
  name: "Discord asks to reconnect (op 7): the bot resumes, and misses nothing",
  async play(set) {
    set.simulation.simulator.faults.gateway.askReconnect();
    await untilAway(set);
    await missNothing(set);
  },
};

const swallowedAck: Scene = {
  name: "heartbeats get no ACK: the bot leaves the dead connection, and resumes",
  simulator: { heartbeatIntervalMs: 1_500 },
  async play(set) {
    const { simulator } = set.simulation;
    const { gateway } = simulator.faults;
    await set.until("a first heartbeat", () => simulator.account().heartbeats > 0 || undefined);
    gateway.swallowAcks = true;
    await untilAway(set);
    gateway.swallowAcks = false;
    const [code] = simulator.account().clientCloses;
    set.assert(
      `the bot closed the connection with a code that keeps the session: ${code}`,
      code !== undefined && code !== 1000 && code !== 1001,
      simulator.account().clientCloses,
    );
    await missNothing(set);
  },
};

const lostSession: Scene = {
  name: "Discord invalidates the session (op 9): the bot reads and answers missed messages",
  async play(set) {
    const { simulation, ask, until, untilReplies, replies, assert } = set;
    const { simulator } = simulation;
    ask("grace", "#general", "are you there?");
    await untilReplies(1, "#general");
    simulator.faults.gateway.invalidate(false);
    ask("grace", "#general", "did you hear that?");
    ask("grace", "#help", "and that?");
    assert("messages were sent without a session", simulator.connected() === 0);
    await until("the bot to be back", () => simulator.connected() === 1 || undefined);
    const [, general = ""] = await untilReplies(2, "#general");
    const [help = ""] = await untilReplies(1, "#help");
    assert("the bot answered both questions", general.includes("did you hear that?"), general);
    assert("each in its channel", help.includes("and that?"), help);
    const { identifies, resumes } = simulator.account();
    assert("the bot opened a new session", identifies.length === 2, identifies);
    assert("the bot resumed no session", resumes.length === 0, resumes);
    ask("grace", "#general", "and this?");
    await untilReplies(3, "#general");
    assert("four questions, four answers", replies().length === 4, replies());
  },
};

/** Waits until the bot is disconnected. */
function untilAway({ simulation, until }: SceneSet): Promise<true> {
  return until("the bot to leave", () => simulation.simulator.connected() === 0 || undefined);
}

/** Sends a message while the bot is disconnected, and asserts a resume and one answer. */
async function missNothing({ simulation, ask, until, replies, untilReplies, assert }: SceneSet) {
  const { simulator } = simulation;
  ask("grace", "#general", "did you hear that?");
  assert("a message was sent while the bot was disconnected", simulator.connected() === 0);
  await until("the bot to be back", () => simulator.connected() === 1 || undefined);
  const [reply = ""] = await untilReplies(1, "#general");
  assert("the bot answered it after the reconnect", reply.includes("did you hear that?"), reply);
  const { resumes, identifies } = simulator.account();
  const outcomes = resumes.map(({ outcome }) => outcome);
  assert("the bot resumed its session", outcomes.join() === "resumed", outcomes);
  assert("the bot sent no second IDENTIFY", identifies.length === 1, identifies);
  ask("grace", "#general", "and this?");
  await untilReplies(2, "#general");
  assert("two questions, two answers", replies().length === 2, replies());
}

/** All scenes of this file. */
export const CONNECTION: readonly Scene[] = [reconnect, swallowedAck, lostSession];
