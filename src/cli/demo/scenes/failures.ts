/**
 * Scenes about failures of the model and of the bot.
 *
 * @module
 */

import type { Scene } from "./scene.ts";

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
    const { signal } = await bot.exited;
    assert("SIGKILL ended the process", signal === "SIGKILL", signal);
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

/** All scenes of this file. */
export const FAILURES: readonly Scene[] = [html, killed];
