import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { may } from "../../../simulator/world/access.ts";
import { INTENT } from "../../../simulator/world/intents.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { DemoWorld } from "../../../simulator/actions/demo_world.ts";
import { connectReady, soon, withSimulator } from "../raw_client.ts";

const mayPost = ({ world, barnacle, channels }: DemoWorld) => {
  const channel = world.channels.get(channels.help.id);
  return channel !== undefined && may(world, channel, barnacle.userId, "send");
};

const changes: readonly [
  what: string,
  event: string,
  deny: (sim: Simulator) => void,
  grant: (sim: Simulator) => void,
][] = [
  [
    "an overwrite of a role",
    "CHANNEL_UPDATE",
    (sim) => sim.permit({ to: "@everyone", what: "sendMessages", as: "denied", in: "#help" }),
    (sim) => sim.permit({ to: "@everyone", what: "sendMessages", as: "unset", in: "#help" }),
  ],
  [
    "an overwrite of a member",
    "CHANNEL_UPDATE",
    (sim) =>
      sim.permit({
        to: "Barnacle",
        what: "sendMessages",
        as: "denied",
        in: "#help",
        isMember: true,
      }),
    (sim) =>
      sim.permit({
        to: "Barnacle",
        what: "sendMessages",
        as: "allowed",
        in: "#help",
        isMember: true,
      }),
  ],
  [
    "a role",
    "GUILD_ROLE_UPDATE",
    (sim) => {
      sim.permit({ to: "@everyone", what: "sendMessages", as: "denied" });
      sim.permit({ to: "Barnacle", what: "sendMessages", as: "denied" });
    },
    (sim) => sim.permit({ to: "Barnacle", what: "sendMessages", as: "allowed" }),
  ],
  [
    "the bot's roles",
    "GUILD_MEMBER_UPDATE",
    (sim) => {
      sim.permit({ to: "@everyone", what: "sendMessages", as: "unset" });
      sim.permit({ to: "helpers", what: "sendMessages", as: "allowed" });
      sim.setRoles({ who: "Barnacle", roles: [] });
    },
    (sim) => sim.setRoles({ who: "Barnacle", roles: ["Barnacle", "helpers"] }),
  ],
  [
    "a timeout",
    "GUILD_MEMBER_UPDATE",
    (sim) => sim.timeOut({ who: "Barnacle", until: Date.now() + 60_000 }),
    (sim) => sim.timeOut({ who: "Barnacle", until: undefined }),
  ],
];

describe("[R11] createModeration()", () => {
  for (const [what, event, deny, grant] of changes) {
    it(`${what}: removes and restores a permission, and the bot gets ${event}`, () =>
      withSimulator(async (sim, demo) => {
        const gateway = await connectReady(sim, {
          intents: INTENT.guilds | INTENT.guildMessages, // but not the one for members
        });
        assert.equal(mayPost(demo), true);
        deny(sim);
        assert.equal(mayPost(demo), false);
        const heard = gateway.frames.length;
        grant(sim);
        assert.equal(mayPost(demo), true);
        await sim.until(
          () => gateway.frames.slice(heard).some(({ t }) => t === event) || undefined,
          soon(),
        );
        gateway.close();
      }));
  }
});
