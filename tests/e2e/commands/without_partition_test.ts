/** Tests commands and the dashboard of a process that owns nothing, which asks the owners. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { PAGES } from "../../../src/cli/dashboard/pages/table.ts";
import type { SimulatedProcess } from "../../../src/cli/demo/simulation/simulation.ts";
import {
  ended,
  KILLED,
  PATIENCE_MS,
  type Scene,
  STOPPED,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";
import { channelOf, dividedWorld } from "../../support/store/divided_world.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";

const KINDS = [
  { title: "[O15] a standby", owners: ["first"] },
  { title: "[O16] a process without a partition", owners: ["first", "second"] },
];

for (const { title, owners } of KINDS) {
  describe(title, NEEDS_POSTGRES, () => {
    const places = owners.map((_, index) => channelOf(index));
    let server: Postgres;
    before(async () => void (server = await startPostgres()));
    after(() => server.close());

    async function play(
      act: (
        scene: Scene,
        bots: Readonly<Record<"first" | "last" | "third", SimulatedProcess>>,
        env: { readonly STORE_URL: string },
      ) => Promise<void>,
    ): Promise<void> {
      const env = { STORE_URL: server.create() };
      await withSimulation({
        simulator: {
          world: dividedWorld(owners.length).world,
          identifyLimit: { maxConcurrency: 16 },
        },
        config: {
          channels: { discord: { guilds: { "*": {} }, dm: { allowFrom: ["ada"] } } },
          store: { url: "${STORE_URL}", partitions: owners.length },
          shutdown: { graceSec: 2 },
          http: { port: 0, dashboard: true },
        },
        env,
      }, async (scene) => {
        const start = (name: string) =>
          startSecondBot(scene, { env, name, lifeMs: 6 * PATIENCE_MS, isService: true });
        await using first = start("first");
        const isConnected = () => scene.simulator.connected() === owners.length;
        await scene.until("all shards", isConnected, 2 * PATIENCE_MS);
        await using second = owners.length > 1 ? start("second") : undefined;
        await scene.until(
          "a partition each",
          () =>
            (!second || first.lines.some((line) => /Giving up a partition/.test(line))) &&
            isConnected(),
          3 * PATIENCE_MS,
        );
        await using third = start("third");
        await scene.line(third, /"Barnacle is standing by"/);
        await act(scene, { first, last: second ?? first, third }, env);
      });
    }

    /** Each process once. */
    const all = (
      bots: Readonly<Record<string, SimulatedProcess>>,
    ) => [...new Set(Object.values(bots))];

    it("answers commands as the others do, and changes the same", async () => {
      await play(async (scene, bots, env) => {
        for (const place of places) {
          scene.say("grace", place, `${scene.mention} pearls of ${place}`);
        }
        const run = (name: string, ...command: readonly string[]) =>
          scene.command([...command, "--data", join(scene.dataDir, name)], {
            ...env,
            DISCORD_API_URL: scene.simulator.apiUrl,
            DISCORD_BOT_TOKEN: scene.simulator.token,
          });
        const outputOf = async (name: string, ...command: readonly string[]) => {
          const { code, stdout, stderr } = await run(name, ...command);
          assert.equal(code, 0, `${name}: ${command.join(" ")}: ${stderr.join("\n")}`);
          assert.doesNotMatch(stderr.join("\n"), /Without|has the data/, command.join(" "));
          return stdout.join("\n");
        };
        const turnsOf = async (name: string): Promise<readonly { messageId: string }[]> =>
          JSON.parse((await run(name, "recent", "--json")).stdout.join("\n") || "[]");
        for (const name of ["first", "third"]) {
          await scene.eventually(
            `both turns in the ${name}`,
            async () => (await turnsOf(name)).length === places.length,
          );
        }
        const same = async (...command: readonly string[]) => {
          const one = await outputOf("third", ...command);
          assert.equal(one, await outputOf("first", ...command), command.join(" "));
          return one;
        };
        for (const { messageId } of await turnsOf("first")) {
          assert.match(await same("why", messageId), /#part-\d[^]*Delivery:\n +1 +reply +sent/);
        }
        const sessions: readonly { sessionKey: string }[] = JSON.parse(
          await same("sessions", "list", "--json"),
        );
        assert.equal(sessions.length, places.length);
        for (const { sessionKey: key } of sessions) {
          assert.match(await same("sessions", "show", key), /pearls/);
          await outputOf("third", "sessions", "reset", key);
        }
        for (
          const command of [
            ["outbox", "list", "--json"],
            ["schedules", "list", "--json"],
            ["approvals", "list", "--json"],
            ["feeds", "list", "--json"],
            ["memory", "list", "--json"],
            ["pairing", "list", "--json"],
            ["usage", "--json"],
            ["recent", "--json"],
          ]
        ) {
          await same(...command);
        }
        const forgotten = await run("third", "forget", "80351110224678912", "--yes");
        assert.equal(forgotten.code, 75, "the files are where an owner is");
        assert.match(forgotten.stderr.join("\n"), /use the command/);
        await outputOf("third", "pause");
        await scene.eventually(
          "the pause",
          async () => /paused/i.test((await run("first", "status")).stdout.join("\n")),
        );
        await outputOf("third", "resume");
        const channel = [...scene.simulator.world.channels.values()]
          .find(({ name }) => name === places.at(-1));
        const sent = await outputOf(
          "third",
          ...["send", `channel:${channel?.id}`, "from the third", "--config", scene.configFile],
        );
        assert.match(sent, /\d{17}/);
        assert.ok(
          scene.written(places.at(-1) ?? "").some((text) => text.includes("from the third")),
        );

        // Then it has one itself.
        const { last, third } = bots;
        last.kill("SIGKILL");
        assert.deepEqual(await ended(last), KILLED);
        await scene.line(third, /"Barnacle is running"/);
        await scene.eventually(
          "both turns again",
          async () => (await turnsOf("third")).length === places.length,
        );
        for (const bot of all(bots).filter((bot) => bot !== last)) {
          bot.kill("SIGTERM");
          assert.deepEqual(await ended(bot), STOPPED);
        }
      });
    });

    it("shows the dashboard with the rows of all", async () => {
      await play(async (scene, bots) => {
        for (const place of places) {
          scene.say("grace", place, `${scene.mention} pearls of ${place}`);
        }
        const data = join(scene.dataDir, "third");
        let link = "";
        await scene.eventually("a login link", async () => {
          const { stdout } = await scene.command(["dashboard", "--data", data]);
          [link = ""] = stdout;
          return link !== "";
        });
        const { origin, hash } = new URL(link);
        const post = (path: string, body: object, token?: string) =>
          fetch(`${origin}/dashboard/${path}`, {
            method: "POST",
            headers: {
              "content-type": "application/json",
              ...(token !== undefined && { authorization: `Bearer ${token}` }),
            },
            body: JSON.stringify(body),
          });
        const { token } = await (await post("login", { token: hash.slice(1) })).json();
        const pageOf = async (path: string) => {
          const response = await fetch(`${origin}/dashboard/pages/${path}`, {
            headers: { authorization: `Bearer ${token}` },
          });
          const text = await response.text();
          assert.equal(response.status, 200, `${path}: ${text}`);
          return text;
        };
        await scene.eventually("both decisions", async () => {
          const feed = await pageOf("feed");
          return places.every((place) => feed.includes(`#${place}`));
        });
        for (const { path } of PAGES) await pageOf(path);
        const sessions = await pageOf("sessions");
        assert.ok(places.every((place) => sessions.includes(place)));
        const processes = new RegExp([...owners, "third"].join("[^]*"));
        assert.match(await pageOf("gateway"), processes);
        if (owners.length > 1) assert.match(await pageOf("now"), processes);
        assert.doesNotMatch(bots.third.lines.join("\n"), /"level":"error"/);
        for (const bot of all(bots)) {
          bot.kill("SIGTERM");
          assert.deepEqual(await ended(bot), STOPPED);
        }
      });
    });
  });
}
