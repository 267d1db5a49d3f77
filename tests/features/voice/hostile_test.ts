/** Tests a call on the binary whose server, network and people misbehave. */

import { describe, it } from "node:test";
import { addMember, addUser } from "../../../simulator/world/create_world.ts";
import { beginCall, TALK, withCall } from "../../support/voice/call_scene.ts";
import { noise, speechLike } from "../../support/voice/recordings.ts";
import { sendUnknown } from "../../support/voice/unknown.ts";

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
