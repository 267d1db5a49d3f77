/** People whose names and texts attack the reader of the log, or a terminal. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addMember, addUser } from "../../../simulator/world/create_world.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const FORGED = '\n{"level":"fatal","event":"all is lost"}';
const ESCAPES = '\u001b[2J\u001b]0;owned\u0007\r\n\u202egnp.exe\u2028{"level":"error"}';

describe("[SEC-R36] names and texts with lines of their own", () => {
  let eve = "";
  const play = sharedBot({ config: { log: { level: "debug" } } }, ({ simulator: { world } }) => {
    const [krill] = world.guilds.values();
    assert.ok(krill);
    const names = { username: `eve${FORGED}${ESCAPES}`, globalName: ESCAPES };
    const { id } = addUser(world, names, Date.now());
    addMember(krill, { userId: id, joinedAt: Date.now(), nick: `nick${FORGED}` });
    eve = id;
  });

  it("[O3] [H4] stay within the line of their event", () =>
    play(async ({ say, mention, replies, model, decided, here }, bot) => {
      // After a model failure, the log has the message's details.
      model.behave("unauthorized", 1);
      say(eve, here, `${mention} ${ESCAPES} first question`);
      await replies(here, 1);
      say("grace", here, `${mention} ${FORGED} ${ESCAPES} second question`);
      await replies(here, 2);
      await decided(say(eve, "dm", `${FORGED} let me in`));
      const events = bot.lines.filter((line) => line.startsWith("{"));
      for (const line of events) {
        const { event, level } = JSON.parse(line);
        assert.equal(typeof event, "string", line);
        assert.match(level, /^(?:debug|info|warn|error)$/, line);
      }
      assert.equal(events.length, bot.lines.length, bot.lines.join("\n"));
      assert.ok(events.some((line) => line.includes("eve")), "the name is in the log");
      // deno-fmt-ignore
      assert.doesNotMatch(bot.lines.join(""), /[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u);
      assert.doesNotMatch(
        bot.lines.join("\n"),
        /first question|second question|let me in/,
        "no message is in the log",
      );
    }));

  it("are no part of the log at all unless its level is debug", () =>
    play(async ({ say, mention, replies, model, here }, bot) => {
      model.behave("unauthorized", 1);
      say("grace", here, `${mention} my password is hunter2`);
      await replies(here, 1);
      say("grace", here, `${mention} hunter2 again`);
      await replies(here, 2);
      assert.doesNotMatch(bot.lines.join("\n"), /hunter2|password/);
    }, { config: {} }));
});
