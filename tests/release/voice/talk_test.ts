/** Tests both modes of a talk on the binary. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addMember, addUser } from "../../../simulator/world/create_world.ts";
import { give } from "../../support/bot/slash.ts";
import { startRealtimeServer } from "../../support/model/speech_realtime.ts";
import { beginCall, TALK, withCall } from "../../support/voice/call_scene.ts";
import { noise, speechLike } from "../../support/voice/recordings.ts";
import { sendUnknown } from "../../support/voice/unknown.ts";

describe("[V5] [V7] [V8] a talk by turns", () => {
  it("is spoken or posted, stops for a person, and leaves its words and minutes alone", () =>
    withCall(async ({ scene, says, hears }) => {
      const { simulator, rows, until } = scene;
      await beginCall(scene, await scene.start());
      const before = simulator.posted(TALK).length;
      await says("ada", "When is low tide today?");
      await hears("ada", /low tide today\?.*which ones\./s);
      const [inbox] = rows(
        "SELECT message_id, message ->> '$.origin.seconds' AS seconds FROM inbox",
      );
      assert.ok(Number(inbox?.["seconds"]) > 1);
      assert.deepEqual(rows("SELECT id FROM outbox WHERE cause_id IS NOT NULL"), []);
      const used = rows("SELECT DISTINCT model, user_id FROM usage WHERE kind = 'audio'");
      assert.deepEqual(used.map(({ model }) => model).sort(), ["speech/ear", "speech/mouth"]);
      assert.ok(used.every(({ user_id }) => user_id === scene.user("ada").id), "the speaker pays");
      const why = await scene.cli("why", String(inbox?.["message_id"]));
      assert.match(why.stdout.join("\n"), /spoken, \d s; its answer is spoken/);

      await says("ada", "some code please");
      await hears("ada", /for the occasion.*in the chat\./s);
      await until(
        "the code in the chat",
        () => simulator.posted(TALK).slice(before).some(({ content }) => content.includes("```ts")),
      );

      const heardMs = () => simulator.voice.heard("ada", simulator.application.userId).ms;
      const earlierMs = heardMs();
      await says("ada", "tell me a tide");
      await until("the bot speaks", () => heardMs() > earlierMs + 1_500);
      await says("ada", "stop it now");
      await hears("ada", /stop it now.*which ones\./s);
      const [posted] = rows(
        "SELECT message ->> '$.content' AS text FROM outbox WHERE cause_id IS NOT NULL ORDER BY id DESC",
      );
      assert.match(String(posted?.["text"]), /^You wrote:\n> tell me a tide.*which ones\.$/s);

      await give(scene, { as: "ada", in: TALK, name: "leave" });
      const minutes = () =>
        [...simulator.world.channels.values()].flatMap(({ name }) => simulator.posted(name))
          .map(({ content }) => content).join("\n");
      await until("the summary", () => minutes().includes("## Summary"));
      assert.match(minutes(), /\*\*ada\*\*: When is low tide today\?/i);
      assert.deepEqual(rows("SELECT id FROM outbox WHERE message LIKE '%low tide%'"), []);
    }, { voice: { transcript: true }, mayRefuse: ({ path }) => path.endsWith("/threads") }));
});

describe("[V6] a talk by the Realtime protocol", () => {
  it("answers in speech, as a turn of the speaker", async () => {
    const server = await startRealtimeServer();
    const { baseUrl } = server;
    try {
      await withCall(async ({ scene, says, hears }) => {
        await beginCall(scene, await scene.start());
        await says("ada", "When is low tide today?");
        await hears("ada", /When is low tide today\?/);
        const turn = await scene.until(
          "the turn",
          () => scene.rows("SELECT state, cost FROM inbox WHERE state = 'answered'")[0],
        );
        assert.match(String(turn["cost"]), /realtime\/talker/);
        assert.match(
          String(server.sessions[0]?.settings["instructions"]),
          /What you hear is said by ada/,
        );
      }, {
        voice: { mode: "realtime", realtime: "realtime/talker" },
        config: {
          models: { providers: { realtime: { kind: "openai-compatible", baseUrl } } },
          audio: {},
        },
      });
    } finally {
      await server.close();
    }
  });
});

/** People beside Ada, who gave no consent. */
const CROWD = 24;

describe("[V9] a call that is disturbed", () => {
  it("goes on after a crash, a move, unknown messages, lost packets and 25 speakers", () =>
    withCall(async ({ scene, says, hears }) => {
      const { simulator, until } = scene;
      const { voice } = simulator;
      const again = async (what: string, answer = new RegExp(`You wrote:.*after ${what}`)) => {
        await until(
          `the call after ${what}`,
          () =>
            voice.sessions().some(({ connection, transport }) => connection && transport) &&
            voice.room(TALK).group?.epoch(),
        );
        await says("ada", `Barnacle, this is after ${what}.`);
        await hears("ada", answer);
        await until("the end of the answer", () => {
          const { lastAt = Infinity } = voice.heard("ada", simulator.application.userId);
          return Date.now() - lastAt > 2_000;
        });
        voice.forget("ada");
      };
      await beginCall(scene, await scene.start());
      sendUnknown(voice);
      await again("unknown messages");
      voice.faults.drop("crashed");
      await again("a crash");
      await voice.faults.moveServer();
      await again("a move");
      const [krill] = simulator.world.guilds.values();
      const sounds = [speechLike(20_000, 1), speechLike(20_000, 2), noise(20_000, 2_000)];
      const spoken = Array.from({ length: CROWD }, async (_, index) => {
        const user = addUser(simulator.world, { username: `crowd-${index}` }, Date.now());
        if (krill) addMember(krill, { userId: user.id, joinedAt: Date.now() });
        await voice.join({ who: user.id, in: TALK, hasNoKeys: true });
        await voice.say(user.id, sounds[index % 3] ?? noise(1, 1));
      });
      voice.faults.lossPercent = 2;
      await again("a crowd came", /You|crowd|heart|model|help|tell/); // some letters are lost
      for (const { userId } of krill?.things.voice.values() ?? []) {
        if (userId !== simulator.application.userId) voice.hush(userId);
      }
      await Promise.all(spoken);
    }));
});
