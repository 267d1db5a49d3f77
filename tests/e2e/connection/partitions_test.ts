/** Tests processes that share the partitions of a bot through PostgreSQL. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import type { Env } from "../../../src/lib/env.ts";
import type { SimulatedProcess } from "../../../src/cli/demo/simulation/simulation.ts";
import { accountOf, settled } from "../../support/bot/account.ts";
import { channelOf, dividedWorld } from "../../support/store/divided_world.ts";
import {
  ended,
  KILLED,
  PATIENCE_MS,
  type Scene,
  STOPPED,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";

const PARTITIONS = 4;
const SECRET = "hook-canary-9Fd2Kq7Lx4Vb8Nz1Tc6Rw3";
const PLACES = Array.from({ length: PARTITIONS }, (_, index) => channelOf(index));

/** Starts a process as a service: it goes on if a busy machine lets it lose a lease. */
function startService(scene: Scene, env: Env, name: string) {
  return startSecondBot(scene, { env, name, lifeMs: 9 * PATIENCE_MS, isService: true });
}

const OWNS = /This process owns the store in PostgreSQL/;

describe("[O16] processes that share the partitions of a bot", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  async function play(
    act: (scene: Scene, env: { STORE_URL: string }) => Promise<void>,
    feeds: object = {},
  ): Promise<void> {
    const env = { STORE_URL: server.create() };
    const { world } = dividedWorld(PARTITIONS);
    const hooks = PLACES.map((place) => {
      const channel = [...world.channels.values()].find(({ name }) => name === place);
      const to = `channel:${channel?.id}`;
      return [place, { to, secret: SECRET, model: false, template: "{{ text }}", perMinute: 60 }];
    });
    await withSimulation({
      simulator: { world, identifyLimit: { maxConcurrency: 16 } },
      config: {
        channels: { discord: { guilds: { "*": {} }, dm: { allowFrom: ["ada"] } } },
        store: { url: "${STORE_URL}", partitions: PARTITIONS },
        shutdown: { graceSec: 2 },
        hooks: Object.fromEntries(hooks),
        feeds,
        http: { port: 0, hooks: { port: 0 } },
      },
      env,
      mayRefuse: ({ status }) => status === 429,
    }, (scene) => act(scene, env));
  }

  /** Asks once in each place. */
  function ask({ say, mention }: Scene, round: number): void {
    for (const place of PLACES) say("grace", place, `${mention} q${round}`);
  }

  /** Sends an event for each place to one process. */
  async function send(scene: Scene, bot: SimulatedProcess, name: string): Promise<void> {
    const { fields } = JSON.parse(await scene.line(bot, /"Listening for hooks"/));
    for (const place of PLACES) {
      const response = await fetch(fields.address + place, {
        method: "POST",
        headers: {
          authorization: `Bearer ${SECRET}`,
          "content-type": "application/json",
          "idempotency-key": name,
        },
        body: JSON.stringify({ text: name }),
      });
      await response.body?.cancel();
      assert.ok(response.status === 202 || response.status === 200, `${response.status}`);
    }
  }

  const owed = (rounds: number, events: readonly string[] = []) =>
    PLACES.flatMap((channel) => [
      { channel, pieces: Array.from({ length: rounds }, (_, round) => `q${round}`) },
      { channel, pieces: events },
    ]);

  async function answered(
    scene: Scene,
    rounds: number,
    events: readonly string[] = [],
  ): Promise<void> {
    await scene.until(
      `${rounds} answers in each place, and those to ${events.length} events`,
      () => accountOf(owed(rounds, events), scene.written).lost.length === 0,
      2 * PATIENCE_MS,
    );
  }

  /** Number of partitions that a process owns, by its log. */
  function ownedBy({ lines }: SimulatedProcess): number {
    const taken = lines.filter((line) => OWNS.test(line)).length;
    return taken - lines.filter((line) => /Giving up a partition/.test(line)).length;
  }

  async function evenly(scene: Scene, ...processes: readonly SimulatedProcess[]): Promise<void> {
    await scene.until("an even split", () => {
      const counts = processes.map(ownedBy);
      const sum = counts.reduce((one, other) => one + other, 0);
      return sum === PARTITIONS && Math.max(...counts) - Math.min(...counts) <= 1 &&
        scene.simulator.connected() === PARTITIONS;
    }, 3 * PATIENCE_MS);
  }

  it("answer each question once, while they join, stop and are killed", async () => {
    await play(async (scene, env) => {
      await using first = startService(scene, env, "first");
      await scene.until("four shards", () => scene.simulator.connected() === 4, 2 * PATIENCE_MS);
      ask(scene, 0);
      await answered(scene, 1);
      await using second = startService(scene, env, "second");
      await using third = startService(scene, env, "third");
      await evenly(scene, first, second, third);
      assert.equal(first.lines.some((line) => /began a new session.*lost/.test(line)), false);
      ask(scene, 1);
      await send(scene, second, "e0"); // it owns one place, or two
      await send(scene, third, "e0"); // repeated
      await answered(scene, 2, ["e0"]);
      second.kill("SIGKILL");
      assert.deepEqual(await ended(second), KILLED);
      ask(scene, 2);
      await send(scene, third, "e1"); // some wait for the next owner
      await answered(scene, 3, ["e0", "e1"]);
      await evenly(scene, first, third);
      third.kill("SIGTERM");
      assert.deepEqual(await ended(third), STOPPED);
      ask(scene, 3);
      await answered(scene, 4);
      assert.equal(ownedBy(first), PARTITIONS);
      first.kill("SIGTERM");
      assert.deepEqual(await ended(first), STOPPED);
      const all = owed(4, ["e0", "e1"]);
      assert.deepEqual(accountOf(all, scene.written), settled(all));
      const messages = [...scene.simulator.account().creates.values()];
      assert.deepEqual(messages.filter(({ messages }) => messages.size > 1), []);
    });
  });

  it("obey a pause everywhere, wherever it was given, and read a feed in one partition", async () => {
    let polls = 0;
    const web = createServer((_request, response) => {
      polls++;
      response.writeHead(200, { "content-type": "application/rss+xml" });
      response.end(`<rss version="2.0"><channel><title>News</title></channel></rss>`);
    });
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const address = web.address();
    assert.ok(address !== null && typeof address === "object");
    const feed = { url: `http://127.0.0.1:${address.port}/`, ownNetwork: true, model: false };
    const [{ id } = { id: "" }] = [...dividedWorld(PARTITIONS).world.channels.values()].filter((
      { name },
    ) => name === PLACES[1]);
    await play(async (scene, env) => {
      await using first = startService(scene, env, "first");
      await scene.until("four shards", () => scene.simulator.connected() === 4, 2 * PATIENCE_MS);
      await using second = startService(scene, env, "second");
      await evenly(scene, first, second);
      ask(scene, 0);
      await answered(scene, 1);
      const command = (name: string) =>
        scene.command([name, "--data", join(scene.dataDir, "second")]);
      await command("pause");
      for (const name of ["first", "second"]) {
        await scene.eventually(`the pause of the ${name}`, async () => {
          const data = join(scene.dataDir, name);
          return /paused/i.test((await scene.command(["status", "--data", data])).stdout.join());
        });
      }
      for (const place of PLACES) scene.say("grace", place, `${scene.mention} unheard`);
      await sleep(2_000); // an unwanted answer would come by then
      const isHeard = PLACES.some((place) =>
        scene.written(place).some((text) => text.includes("unheard"))
      );
      assert.equal(isHeard, false);
      await command("resume");
      for (const name of ["first", "second"]) {
        await scene.eventually(`the end of the pause of the ${name}`, async () => {
          const data = join(scene.dataDir, name);
          return !/paused/i.test((await scene.command(["status", "--data", data])).stdout.join());
        });
      }
      ask(scene, 1);
      await answered(scene, 2);
      await scene.eventually("a poll of the feed", () => Promise.resolve(polls > 0));
      const fleetOf = async (name: string) => {
        const data = join(scene.dataDir, name);
        const { stdout } = await scene.command(["status", "--data", data]);
        const lines = stdout.flatMap((text) => text.split("\n"));
        return lines.filter((line) => /^ +Process /.test(line)).join()
          .replace(" (this process)", "");
      };
      assert.match(
        await fleetOf("first"),
        /partition \d since .*partition \d since .*Process .*partition \d/,
      );
      assert.equal(await fleetOf("first"), await fleetOf("second"));
      for (const bot of [first, second]) bot.kill("SIGTERM");
      assert.deepEqual(await ended(first), STOPPED);
      assert.deepEqual(await ended(second), STOPPED);
      assert.deepEqual(accountOf(owed(2), scene.written), settled(owed(2)));
      assert.equal(polls, 1);
    }, { news: { ...feed, to: `channel:${id}` } });
    web.closeAllConnections();
    await new Promise((resolve) => web.close(resolve));
  });

  it("show all partitions of a process to its commands, and forget a person in each", async () => {
    await play(async (scene, env) => {
      await using bot = startSecondBot(scene, { env, name: "first", lifeMs: 6 * PATIENCE_MS });
      await scene.until("four shards", () => scene.simulator.connected() === 4, 2 * PATIENCE_MS);
      ask(scene, 0);
      await answered(scene, 1);
      const data = join(scene.dataDir, "first");
      const outputOf = async (...command: readonly string[]) => {
        const { code, stdout, stderr } = await scene.command([...command, "--data", data]);
        assert.equal(code, 0, stderr.join("\n"));
        return stdout.join("\n");
      };
      const { grace } = dividedWorld(PARTITIONS).people;
      // A person reads an answer before the turn's end is in the store.
      await scene.eventually("the turns of all partitions", async () => {
        const { code, stdout } = await scene.command(["recent", "--json", "--data", data]);
        return code === 0 && JSON.parse(stdout.join("\n")).length === PARTITIONS;
      });
      const doctor = await scene.command(["doctor", "--only", "host", "--data", data]);
      assert.doesNotMatch(doctor.stdout.join("\n"), /Store +there is none/);
      await scene.eventually(
        "the process with its partitions", // of its last look at the fleet
        async () => /Process .*partition 3 since/.test(await outputOf("status")),
      );
      await outputOf("forget", grace.id, "--yes");
      await scene.eventually("all partitions to forget the person", async () => {
        return !(await outputOf("recent", "--json")).includes(grace.id);
      });
      bot.kill("SIGTERM");
      assert.deepEqual(await ended(bot), STOPPED);
    });
  });
});
