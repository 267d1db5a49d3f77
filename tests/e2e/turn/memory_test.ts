/** Tests the agent's memory as people on Discord see it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const call = (input: object) => `call: memory ${JSON.stringify(input)}`;

describe("[T14] the bot", () => {
  const play = sharedBot({});

  it("remembers for a person, shows it to no other, and forgets a deleted message", () =>
    play(async ({ simulator, say, mention, replies, rows, here, ...scene }) => {
      const note = { action: "save", text: "grace likes tea" };
      const source = say("grace", here, `${mention}\n${call(note)}`);
      await replies(here, 1);
      const search = call({ action: "search", query: "tea" });
      say("grace", here, `${mention}\n${search}`);
      say("ada", "help", `${mention}\n${search}`);
      assert.match((await replies(here, 2))[1] ?? "", /"text":"grace likes tea"/);
      assert.match((await replies("help", 1))[0] ?? "", /No notes found/);
      const { stdout } = await scene.cli("memory", "show", "1");
      assert.match(stdout.join("\n"), new RegExp(`From messages: ${source.id}`));
      simulator.delete({ in: here, as: "grace", message: source.id });
      await scene.eventually(
        "the note to go",
        () => Promise.resolve(rows("SELECT id FROM note").length === 0),
      );
    }));
});
