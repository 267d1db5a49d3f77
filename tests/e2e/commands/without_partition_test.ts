/** Tests commands and the dashboard of a process without a partition, which asks the others. */

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
import { startSecondBot } from "../../support/process/second_bot.ts";
import { channelOf, dividedWorld } from "../../support/store/divided_world.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";

const PLACES = [channelOf(0), channelOf(1)];

describe("[O16] a process without a partition", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  async function play(
    act: (
      scene: Scene,
      bots: readonly [SimulatedProcess, SimulatedProcess, SimulatedProcess],
      env: { readonly STORE_URL: string },
    ) => Promise<void>,
  ): Promise<void> {
    const env = { STORE_URL: server.create() };
    await withSimulation({
      simulator: { world: dividedWorld(2).world, identifyLimit: { maxConcurrency: 16 } },
      config: {
        channels: { discord: { guilds: { "*": {} }, dm: { allowFrom: ["ada"] } } },
        store: { url: "${STORE_URL}", partitions: 2 },
        shutdown: { graceSec: 2 },
        http: { port: 0, dashboard: true },
      },
      env,
    }, async (scene) => {
      const start = (name: string) =>
        startSecondBot(scene, { env, name, lifeMs: 6 * PATIENCE_MS, isService: true });
      await using first = start("first");
      await scene.until("both shards", () => scene.simulator.connected() === 2, 2 * PATIENCE_MS);
      await using second = start("second");
      await scene.until(
        "a partition each",
        () =>
          first.lines.some((line) => /Giving up a partition/.test(line)) &&
          scene.simulator.connected() === 2,
        3 * PATIENCE_MS,
      );
      await using third = start("third");
      await scene.line(third, /"Barnacle is standing by"/);
      await act(scene, [first, second, third], env);
    });
  }

  it("answers commands as the others do, and changes the same", async () => {
    await play(async (scene, bots, env) => {
      for (const place of PLACES) scene.say("grace", place, `${scene.mention} pearls of ${place}`);
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
          async () => (await turnsOf(name)).length === PLACES.length,
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
      assert.equal(sessions.length, PLACES.length);
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
      ) await same(...command);
      await outputOf("third", "pause");
      await scene.eventually(
        "the pause",
        async () => /paused/i.test((await run("first", "status")).stdout.join("\n")),
      );
      await outputOf("third", "resume");
      const channel = [...scene.simulator.world.channels.values()]
        .find(({ name }) => name === PLACES[1]);
      const sent = await outputOf(
        "third",
        ...["send", `channel:${channel?.id}`, "from the third", "--config", scene.configFile],
      );
      assert.match(sent, /\d{17}/);
      assert.ok(scene.written(PLACES[1] ?? "").some((text) => text.includes("from the third")));

      // Then it has one itself.
      const [first, second, third] = bots;
      second.kill("SIGKILL");
      assert.deepEqual(await ended(second), KILLED);
      await scene.line(third, /"Barnacle is running"/);
      await scene.eventually(
        "both turns again",
        async () => (await turnsOf("third")).length === PLACES.length,
      );
      for (const bot of [first, third]) {
        bot.kill("SIGTERM");
        assert.deepEqual(await ended(bot), STOPPED);
      }
    });
  });

  it("shows the dashboard with the rows of all", async () => {
    await play(async (scene, bots) => {
      for (const place of PLACES) scene.say("grace", place, `${scene.mention} pearls of ${place}`);
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
        return PLACES.every((place) => feed.includes(`#${place}`));
      });
      for (const { path } of PAGES) await pageOf(path);
      const texts = await Promise.all(["sessions", "now", "gateway"].map(pageOf));
      assert.ok(PLACES.every((place) => texts[0]?.includes(place)));
      for (const text of texts.slice(1)) assert.match(text, /first[^]*second[^]*third/);
      assert.doesNotMatch(bots[2].lines.join("\n"), /"level":"error"/);
      for (const bot of bots) {
        bot.kill("SIGTERM");
        assert.deepEqual(await ended(bot), STOPPED);
      }
    });
  });
});
