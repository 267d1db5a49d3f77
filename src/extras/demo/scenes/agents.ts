/** Scenes about agents: who answers in a busy channel (N2, I1), and what an event starts (W7). */

import { demoWorld } from "../../../../simulator/actions/demo_world.ts";
import { addUser } from "../../../../simulator/world/create_world.ts";
import {
  addBusyRoom,
  BUSY_ROOM,
  CROWD,
  type CrowdLine,
  withBusyRoom,
} from "../simulation/busy_room.ts";
import { demoConfig } from "../simulation/simulation.ts";
import type { Scene } from "./scene.ts";

const busyWorld = demoWorld();
addBusyRoom(busyWorld, Date.UTC(2026, 0, 1));

const busyRoom: Scene = {
  name: "three agents in a busy channel: each message gets one answer, or none for a reason",
  simulator: { world: busyWorld.world },
  config: withBusyRoom(demoConfig()),
  async play(set) {
    const { simulation: { model }, say, ask, untilReplies, replies, verdictOn, assert } = set;
    const room = `#${BUSY_ROOM}`;
    const talk = ({ as, text }: CrowdLine) => say(as, room, text);
    const instructions = () => model.requests.at(-1)?.body ?? "";

    for (const line of [CROWD.greeting, CROWD.chat]) {
      const { verdict, why } = await verdictOn(talk(line));
      assert(`no answer to "${line.text}"`, verdict === "ignore" && why === "not-for-bot", why);
    }
    const { why: asked } = await verdictOn(talk(CROWD.question));
    assert("the question to all gets no answer", asked === "not-for-bot", asked);
    const { why: mentioned } = await verdictOn(
      say(CROWD.question.as, room, `@${"Pilot"} ${CROWD.question.text}`),
    );
    await untilReplies(1, room);
    assert("Pilot answered the mention", mentioned === "mentioned", mentioned);

    // The next lines count as said to the bot only if its answer is the newest message.
    await set.untilDelivered();
    const { why: followed } = await verdictOn(talk(CROWD.followUp));
    assert(
      "Pilot is asked the next question, which mentions no one",
      followed === "intent",
      followed,
    );
    await untilReplies(2, room);

    await set.untilDelivered();
    const { why: thanked } = await verdictOn(talk(CROWD.thanks));
    assert("thanks get no answer in words", thanked === "not-for-bot", thanked);

    const { why: named } = await verdictOn(talk(CROWD.named));
    await untilReplies(3, room);
    assert("a name is a mention", named === "mentioned", named);
    assert("Cook answered to its name", instructions().includes("You are Cook"), instructions());

    const { why: toOther } = await verdictOn(talk(CROWD.toOther));
    assert("words to another person get no answer", toOther === "not-for-bot", toOther);

    ask("grace", "#general", "who are you?");
    await untilReplies(1, "#general");
    const isMain = !/You are (Pilot|Cook)/.test(instructions());
    assert("the first agent answered in another channel", isMain, instructions());
    assert("the channel has three answers to seven messages", replies(room).length === 3);
  },
};

const { world, channels: { general } } = demoWorld();

const newcomers: Scene = {
  name: "newcomers get one greeting, however many join at once",
  simulator: { world },
  config: {
    ...demoConfig(),
    agents: {
      list: [{
        id: "main",
        on: [{ event: "member_join", post: `channel:${general.id}`, tools: [] }],
      }],
    },
  },
  async play({ simulation: { simulator, model }, untilReplies, untilDelivered, assert }) {
    for (const username of ["nemo", "dory", "marlin"]) {
      addUser(world, { username }, Date.now());
      simulator.invite({ who: username });
    }
    await untilReplies(1, "#general");
    await untilDelivered();
    const asked = model.requests.at(-1)?.body ?? "";
    assert("one turn has the three newcomers", asked.includes("3 events of the entry"), asked);
    assert("the model was asked once", model.requests.length === 1, model.requests.length);
  },
};

export const AGENT_SCENES: readonly Scene[] = [busyRoom, newcomers];
