/** Tests the report of wrong ids of the config, by the running bot and by `doctor`. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { addChannel, addGuild, addWebhook } from "../../../simulator/world/create_world.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";

/** An id that nothing has in the simulator, far from all ids of people. */
const NONE = "1256074443980800999";
/** Ada, who owns the application, and Grace, by the ids that the simulator gives them. */
const ADA = "1456074443980800000";
const GRACE = "1456074443980800001";
/** Ada's id with one wrong digit. */
const LIKE_ADA = "1456074443980800900";

/** The wrong ids that a command prints, in the order of the config. */
async function wrongIds(
  scene: Pick<Scene, "cli">,
  command: "status" | "doctor",
): Promise<readonly string[]> {
  const { stdout } = await scene.cli(command);
  return stdout.flatMap((line) => /^warn +IDs and names +(.*)/.exec(line)?.[1] ?? [])
    .map((why) => why.replace("channels.discord.", ""));
}

/** Milliseconds between two looks at health, which takes half a minute to know the ids. */
const LOOK_EVERY_MS = 500;

/** Waits until the bot's health tells a wrong id. A command at each look would cost its start. */
async function told({ eventually, status }: Scene, bot: SimulatedProcess, text: string) {
  await eventually(`a warning of ${text}`, async () => {
    await sleep(LOOK_EVERY_MS);
    const ids = (await status(bot)).findings.filter(({ id }) => id === "access.ids");
    return JSON.stringify(ids).includes(text);
  });
}

describe("[P7] wrong ids of the config", () => {
  it("have the nearest people and channels beside them, and a webhook's id is none", () => {
    const real = { webhook: "", channel: "" };
    const isHidden = (path: string) =>
      [`/webhooks/${real.webhook}`, `/channels/${real.channel}`].includes(path);
    return withSimulation({
      mayRefuse: ({ path, status }) => status === 404 || (status === 403 && isHidden(path)),
      config: {
        commands: { ownerAllowFrom: [ADA, LIKE_ADA] },
        budgets: { perRole: { [NONE]: { tokensPerDay: 1_000_000 } } },
        bindings: [{ agentId: "main", match: { guildId: NONE } }],
      },
      discord({ world }) {
        const [krill] = world.guilds.values();
        assert.ok(krill);
        const foreign = addGuild(world, { name: "Foreign", ownerId: krill.ownerId }, Date.now());
        real.channel = addChannel(world, foreign, { name: "deck" }, Date.now()).id;
        real.webhook = addWebhook(world, "forger", Date.now()).id;
        const [general = ""] = krill.channelIds;
        return {
          allowBots: true,
          guilds: {
            [krill.id]: { users: ["*", real.webhook, NONE] },
            [NONE]: { channels: { [general]: {}, [NONE]: {}, [real.channel]: {} } },
          },
        };
      },
    }, async (scene) => {
      const { simulator, start, eventually, say, mention, replies } = scene;
      const bot = await start();
      say("grace", "general", `${mention} hello`); // the store then knows her
      await replies("general", 1);
      await told(scene, bot, "nearest");
      const [krill] = simulator.world.guilds.values();
      const [general] = krill?.channelIds ?? [];
      const near = "; nearest: ";
      const expected = [
        `guilds.${krill?.id}.users[2]: ${NONE}: Discord knows no such user or webhook`,
        `guilds.${NONE}: the bot is in no such server${near}\`Elsewhere\``,
        `guilds.${NONE}.channels.${general}: that is the channel \`general\` of the server ` +
        `\`Krill & Co\` (${krill?.id})`,
        `guilds.${NONE}.channels.${NONE}: there is no such channel${near}\`general\``,
        `commands.ownerAllowFrom[1]: ${LIKE_ADA}: Discord knows no such user${near}\`ada\` (${ADA}), ` +
        `\`grace\` (${GRACE})`,
        `bindings[0].match.guildId: ${NONE}: the bot is in no such server${near}`,
        `budgets.perRole.${NONE}: there is no such role${near}`,
      ];
      for (const command of ["status", "doctor"] as const) {
        const found = await wrongIds(scene, command);
        // `doctor` does not read the roles of `Elsewhere`, where the bot answers no one.
        const rows = command === "doctor" ? expected.slice(0, -1) : expected;
        assert.deepEqual(found.map((row, at) => row.slice(0, rows[at]?.length)), rows);
        const [user = "", , channel = ""] = found;
        assert.deepEqual([user, channel].filter((row) => row.includes(near)), [], command);
      }
      const [content = ""] = await replies("dm", 1, "ada");
      for (const row of expected) {
        assert.ok(content.includes(row.slice(row.indexOf(": "))), content);
      }
      const { code } = await scene.cli("forget", GRACE, "--yes");
      assert.equal(code, 0);
      await eventually(
        "health to name her no more",
        async () => !JSON.stringify(await scene.status(bot)).includes("grace"),
      );
    });
  });

  it("are told of a guild's key that is a channel's id or no guild's name, with no guild open", () =>
    withSimulation(
      {
        mayRefuse: ({ status }) => status === 404,
        discord({ world }) {
          const [krill] = world.guilds.values();
          const [general = ""] = krill?.channelIds ?? [];
          return { guilds: { [general]: {}, "krill-and-so": {} } };
        },
      },
      async (scene) => {
        const { simulator: { world }, cli, start, replies } = scene;
        await told(scene, await start(), "so: ");
        const [krill, elsewhere] = world.guilds.values();
        const named = `\`Krill & Co\` (${krill?.id})`;
        const near = `; nearest: ${named}, \`Elsewhere\` (${elsewhere?.id})`;
        const [channel = ""] = krill?.channelIds ?? [];
        const isName = `guilds.krill-and-so: the bot is in no server with this name${near}`;
        const inStatus = await wrongIds({ cli }, "status");
        assert.ok(
          inStatus[0]?.startsWith(
            `guilds.${channel}: that is the channel \`general\` of the server ${named}`,
          ),
          inStatus[0],
        );
        assert.equal(inStatus[1]?.slice(0, isName.length), isName);
        const inDoctor = await wrongIds({ cli }, "doctor");
        assert.ok(
          // `doctor` reads no channels of guilds in which the bot answers no one.
          inDoctor[0]?.startsWith(`guilds.${channel}: that is a channel of the server ${named}`),
          inDoctor[0],
        );
        assert.equal(inDoctor[1]?.slice(0, isName.length), isName);
        const [content = ""] = await replies("dm", 1, "ada");
        assert.ok(content.includes("krill-and-so") && content.includes(channel), content);
      },
    ));

  it("are told while a guild of the bot has an outage", () =>
    withSimulation({
      mayRefuse: ({ status }) => status === 404,
      discord({ world, faults }) {
        const [krill, elsewhere] = world.guilds.values();
        faults.gateway.unavailableGuilds.add(elsewhere?.id ?? "");
        const users = [`role:${NONE}`];
        return { guilds: { [krill?.id ?? ""]: {}, [elsewhere?.id ?? ""]: { users }, [NONE]: {} } };
      },
    }, async (scene) => {
      const { start, simulator } = scene;
      const bot = await start();
      await told(scene, bot, "no such server");
      const [only = "", ...others] = await wrongIds(scene, "status");
      assert.match(only, /the bot is in no such server/);
      assert.deepEqual(others, [], "a guild with an outage is none, and its roles are not known");
      const [, elsewhere] = simulator.world.guilds.keys();
      simulator.faults.gateway.bringGuild(elsewhere ?? "");
      await told(scene, bot, "no such role");
    }));
});
