/** Tests text that attacks its reader: the model, the log or a terminal. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { onStage } from "../../support/bot/e2e.ts";

const ESCAPES = '\u001b[2J\u001b]0;owned\u0007\r\n\u202egnp.exe\u2028{"level":"error"}';

it("[O3] [H4] [SEC-R8] logs one line per event, for any text from Discord", () =>
  onStage({ config: { log: { level: "debug" } } }, async (scene) => {
    const { start, say, mention, replies, model } = scene;
    const bot = await start();
    // After a model failure, the log has the message's details.
    model.behave("unauthorized", 1);
    say("grace", "general", `${mention} ${ESCAPES} q1`);
    await replies("general", 1);
    say("grace", "general", `${mention} ${ESCAPES} q2`);
    await replies("general", 2);
    const events = bot.lines.filter((line) => line.startsWith("{"));
    for (const line of events) assert.equal(typeof JSON.parse(line).event, "string", line);
    assert.equal(events.length, bot.lines.length, bot.lines.join("\n"));
    // deno-fmt-ignore
    assert.doesNotMatch(bot.lines.join(""), /[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u);
    assert.doesNotMatch(bot.lines.join("\n"), /owned/, "nobody's words are in the log");
  }));
