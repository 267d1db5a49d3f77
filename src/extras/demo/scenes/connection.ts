/**
 * Scenes about failures: lost connections, after which no message is lost, and failures of the model
 * and of the bot.
 */

import { wasKilled } from "../../../host/process/own_process.ts";
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

export const CONNECTION: readonly Scene[] = [reconnect, swallowedAck, lostSession];

const html: Scene = {
  name: "the model returns a web page: the user gets one line, the owner the reason",
  async play({ simulation, bot, ask, until, untilReplies, replies, assert }) {
    simulation.model.behave("html");
    ask("grace", "#general", "hello?");
    const [line = ""] = await untilReplies(1, "#general");
    assert("the user got one line", !line.includes("\n") && !line.includes("<"), line);
    const id = /\b[0-9a-f]{12}\b/.exec(line)?.[0];
    assert(`the line has an id: ${id}`, id !== undefined, line);
    const logged = await until(
      "the id in the log",
      () => bot.lines.find((text) => id !== undefined && text.includes(id)),
    );
    assert("the log has the reason under that id", /html|page/i.test(logged), logged);
    const told = await until(
      "a notice to the owner",
      () => replies().find((text) => text.includes("web page")),
    );
    assert("the owner learns the fix", told.includes("check the provider's baseUrl"), told);

    simulation.model.behave("script");
    ask("grace", "#general", "and now?");
    const both = await untilReplies(2, "#general");
    assert("the bot answers the next question as usual", replies("#general").length === 2, both);
  },
};

const killed: Scene = {
  name: "killed after the intent to send (T4), then restarted: one reply",
  env: { BARNACLE_CRASH_AT: "after:T4" },
  async play({ simulation, bot, ask, until, replies, untilReplies, assert }) {
    const { simulator, model } = simulation;
    ask("grace", "#general", "will you survive this?");
    const exit = await bot.exited;
    assert("SIGKILL ended the process", wasKilled(exit), exit);
    assert("Discord had no reply by then", replies().length === 0, replies());

    simulation.startBot();
    const [reply = ""] = await untilReplies(1, "#general");
    assert("the next process sent the reply", reply.includes("will you survive this?"), reply);
    assert("the model got no second request", model.requests.length === 1, model.requests.length);
    await until("the bot to be back", () => simulator.connected() === 1 || undefined);
    ask("grace", "#general", "once more");
    await untilReplies(2, "#general");
    assert("the channel has the reply once", replies().length === 2, replies());
    const nonces = [...simulator.account().creates.values()];
    const doubled = nonces.filter(({ messages }) => messages.size !== 1);
    assert("each message exists once, by its nonce", doubled.length === 0, doubled.length);
  },
};

export const FAILURES: readonly Scene[] = [html, killed];
