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

const lostSession: Scene = {
  name: "Discord forgets the session (op 9): what was said meanwhile is read, and answered",
  async play(set) {
    const { stage, ask, until, untilReplies, replies, assert } = set;
    const { simulator } = stage;
    ask("grace", "#general", "are you there?");
    await untilReplies(1, "#general");
    simulator.faults.gateway.invalidate(false);
    ask("grace", "#general", "did you hear that?");
    ask("grace", "#help", "and that?");
    assert("something was said that no session will bring", simulator.connected() === 0);
    await until("the bot to be back", () => simulator.connected() === 1 || undefined);
    const [, general = ""] = await untilReplies(2, "#general");
    const [help = ""] = await untilReplies(1, "#help");
    assert("both questions were answered", general.includes("did you hear that?"), general);
    assert("each in its place", help.includes("and that?"), help);
    const { identifies, resumes } = simulator.account();
    assert("a new session was begun", identifies.length === 2, identifies);
    assert("nothing was resumed", resumes.length === 0, resumes);
    ask("grace", "#general", "and this?");
    await untilReplies(3, "#general");
    assert("four questions, four answers", replies().length === 4, replies());
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

export const CONNECTION: readonly Scene[] = [reconnect, swallowedAck, lostSession];
