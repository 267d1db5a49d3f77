/** Tests access: one bot, one config, and senders with and without access. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import { type Scene } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const RULES = (simulator: Simulator) => {
  const [krill] = simulator.world.guilds.values();
  assert.ok(krill);
  return {
    dm: { policy: "allowlist", allowFrom: ["ada"], groupEnabled: true },
    guilds: {
      [krill.id]: {
        channels: {
          general: {},
          help: { users: ["role:helpers"] },
          "off-topic": { allow: false },
        },
      },
    },
  };
};

const groupDm = ({ simulator }: Scene): string => {
  const group = [...simulator.world.channels.values()].find(({ kind }) => kind === "group_dm");
  assert.ok(group);
  return group.id;
};

const cases: readonly [
  what: string,
  as: string,
  where: string | ((scene: Scene) => string),
  verdict: string,
  text?: string,
][] = [
  ["a member in an open channel", "grace", "general", "accept: mentioned"],
  ["a member who mentions nobody", "grace", "general", "ignore: no-mention", "good morning"],
  ["a member with the role that the channel asks for", "grace", "help", "accept: mentioned"],
  ["a member without it, who owns the guild", "ada", "help", "ignore: sender-not-listed"],
  ["a thread of that channel", "ada", "How do I feed krill?", "ignore: sender-not-listed"],
  ["a channel that is closed", "ada", "off-topic", "ignore: channel-disabled"],
  ["a guild that is not listed", "edsger", "Elsewhere/#lounge", "ignore: guild-not-listed"],
  ["another bot", "Limpet", "general", "ignore: bot"],
  ["a webhook", "deploys", "general", "ignore: webhook"],
  ["who may write directly", "ada", "dm", "accept: dm-allowed"],
  ["who may not", "mallory", "dm", "ignore: dm-not-allowed"],
  ["the same in a group, where no mention is needed", "ada", groupDm, "accept: group-dm-allowed"],
  ["others in the group, who get no code", "grace", groupDm, "ignore: dm-not-allowed"],
];

describe("[P5] [P6] [P8] [P10] [P11] [P14] access", () => {
  const play = sharedBot({ discord: RULES });

  it("follows the config for each sender and place", () =>
    play(async (scene) => {
      const { simulator, decided, mention } = scene;
      for (const [what, as, where, verdict, text = `${mention} ${what}`] of cases) {
        const channel = typeof where === "string" ? where : where(scene);
        const message = simulator.say({ as, in: channel, text });
        assert.equal(await decided(message), verdict, what);
      }
      const accepted = cases.filter(([, , , verdict]) => verdict.startsWith("accept"));
      await scene.until("the answers", () => simulator.posted().length >= accepted.length);
      assert.equal(simulator.posted().length, accepted.length);
      for (const [what, , , verdict] of cases) {
        const heard = scene.model.requests.some(({ words }) => words.includes(what));
        assert.equal(heard, verdict.startsWith("accept") && what !== cases[1]?.[0], what);
      }
    }));
});
