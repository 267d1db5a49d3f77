import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { buttonsIn } from "../../../simulator/world/components.ts";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
import { accountOf } from "../../support/bot/account.ts";
import { channelOf, dividedWorld } from "../../support/store/divided_world.ts";
import {
  commandUnderTest,
  ended,
  KILLED,
  PATIENCE_MS,
  type Scene,
  type SceneOptions,
  STOPPED,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";

/** A restarted process does not know how many requests the one before has sent. */
const mayRefuse = ({ status }: { status?: number | undefined }) => status === 429;

const SHARED = { store: { url: "${STORE_URL}" }, shutdown: { graceSec: 2 } };
const PARTITIONS = 3;
const OWN = { shutdown: { graceSec: 2 } };

async function asks(scene: Scene, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) {
    scene.say("grace", "general", `${scene.mention} q${number}`);
  }
  const pieces = Array.from({ length: to }, (_, number) => `q${number}`);
  await scene.until("the answers", () => {
    const { lost, doubled } = accountOf([{ channel: "general", pieces }], scene.written);
    assert.deepEqual(doubled, []);
    return lost.length === 0;
  });
}

describe("barnacle store move", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  const scenes = (
    act: (scene: Scene, url: string) => Promise<void>,
    config: SceneOptions["config"] = OWN,
  ) => {
    const STORE_URL = server.create();
    return withSimulation(
      { config, env: { STORE_URL }, mayRefuse },
      (scene) => act(scene, STORE_URL),
    );
  };

  /** Runs a command with the bot's config, and another data directory. */
  const at = (scene: Scene, data: string, url: string, ...args: readonly string[]) =>
    scene.command([...args, "--config", scene.configFile, "--data", data], {
      STORE_URL: url,
      DISCORD_API_URL: scene.simulator.apiUrl,
      DISCORD_BOT_TOKEN: scene.simulator.token,
    });

  it("[O15] moves a store with its sessions to PostgreSQL, and on another machine back", async () => {
    await scenes(async (scene, url) => {
      const first = await scene.start();
      await asks(scene, 0, 2);
      first.kill("SIGTERM");
      assert.deepEqual(await ended(first), STOPPED);
      const path = join(scene.dataDir, "barnacle.db");
      const there = await scene.cli("store", "move", "--to", url);
      assert.equal(there.code, 0, there.stderr.join("\n"));
      assert.match(
        there.stdout.join(),
        /^Moved the store to the database test\d+ on 127\.0\.0\.1:\d+: /,
      );
      assert.match(there.stdout.join(), /; both are equal$/);
      assert.match(
        there.stderr.join(),
        /Set store\.url to this address in \S+, then start the bot/,
      );
      assert.doesNotMatch([...there.stdout, ...there.stderr].join(), /correct/, "no password");
      assert.equal(existsSync(path), true, "nothing is deleted");

      scene.rewrite({ config: SHARED });
      const second = await scene.start();
      assert.match((await scene.cli("sessions")).stdout.join("\n"), /general/);
      await asks(scene, 2, 4);
      second.kill("SIGTERM");
      assert.deepEqual(await ended(second), STOPPED);

      const elsewhere = join(scene.dataDir, "elsewhere");
      const back = await at(scene, elsewhere, url, "store", "move", "--to", "sqlite", "--json");
      assert.equal(back.code, 0, back.stderr.join("\n"));
      const moved = JSON.parse(back.stdout.join());
      assert.equal(moved.to, join(elsewhere, "barnacle.db"));
      assert.equal(moved.bytes, readFileSync(moved.to).length);
      assert.equal(existsSync(join(elsewhere, "shared-store.json")), false);

      const late = startSecondBot(scene, { env: { STORE_URL: url }, name: "late" });
      assert.deepEqual(await ended(late), { code: 78, signal: null });
      assert.match(late.lines.join("\n"), /has brought its store back into a file/);
      scene.rewrite({ config: OWN });
      await using third = startSecondBot(scene);
      await scene.line(third, /"The bot is ready"/);
      await asks(scene, 4, 6);
      const { stdout } = await at(scene, elsewhere, url, "sessions");
      assert.match(stdout.join("\n"), /general/);
      third.kill("SIGTERM");
      assert.deepEqual(await ended(third), STOPPED);
    });
  });

  it("[O16] divides a store into partitions, goes on after an interruption, and loses nothing", async () => {
    const STORE_URL = server.create();
    const places = Array.from({ length: PARTITIONS }, (_, index) => channelOf(index));
    const discord = () => ({ guilds: { "*": {} } });
    await withSimulation({
      simulator: {
        world: dividedWorld(PARTITIONS).world,
        identifyLimit: { maxConcurrency: 16 },
      },
      discord,
      config: OWN,
      env: { STORE_URL },
      mayRefuse,
    }, async (scene) => {
      const askAll = async (round: number) => {
        for (const place of places) scene.say("grace", place, `${scene.mention} q${round}`);
        const pieces = Array.from({ length: round + 1 }, (_, number) => `q${number}`);
        await scene.until("the answers", () => {
          const owed = places.map((channel) => ({ channel, pieces }));
          const { lost, doubled } = accountOf(owed, scene.written);
          assert.deepEqual(doubled, []);
          return lost.length === 0;
        }, 2 * PATIENCE_MS);
      };
      const first = await scene.start();
      await askAll(0);
      first.kill("SIGTERM");
      assert.deepEqual(await ended(first), STOPPED);

      const config = { ...SHARED, store: { ...SHARED.store, partitions: PARTITIONS } };
      scene.rewrite({ discord, config });
      const remote = createRemote(STORE_URL, { partitions: PARTITIONS });
      await remote.open();
      await remote.close();
      server.sql(
        STORE_URL,
        `CREATE FUNCTION barnacle.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF NEW.partition = 1 THEN
             RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full';
           END IF;
           RETURN NEW;
         END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON barnacle.pages
           FOR EACH ROW EXECUTE FUNCTION barnacle.full()`,
      );
      const args = ["store", "move", "--to", STORE_URL];
      const lines: string[] = [];
      const files = ["--config", scene.configFile, "--data", scene.dataDir];
      const { PATH, HOME, DENO_DIR } = process.env;
      const cut = startOwnProcess(commandUnderTest(), [...args, ...files], {
        PATH,
        HOME,
        DENO_DIR,
        STORE_URL,
        DISCORD_API_URL: scene.simulator.apiUrl,
        DISCORD_BOT_TOKEN: scene.simulator.token,
      }, (line) => void lines.push(line));
      await scene.until("the failure", () => /could not extend file/.test(lines.join()));
      cut.kill("SIGKILL");
      await cut.exited;
      const other = startSecondBot(scene, { env: { STORE_URL } });
      assert.deepEqual(await ended(other), { code: 75, signal: null });
      assert.match(other.lines.join("\n"), /store move has begun to bring a store there/);
      server.sql(STORE_URL, "DROP TRIGGER full_disk ON barnacle.pages");
      const moved = await scene.cli(...args, "--json");
      assert.equal(moved.code, 0, moved.stderr.join("\n"));
      assert.equal(JSON.parse(moved.stdout.join()).partitions, PARTITIONS);
      assert.equal(existsSync(join(scene.dataDir, "barnacle.db.undivided")), true);

      for (const place of places) scene.say("grace", place, `${scene.mention} q1`); // during the gap
      const second = await scene.start();
      await askAll(2);
      second.kill("SIGTERM");
      assert.deepEqual(await ended(second), STOPPED);
      const back = await scene.cli("store", "move", "--to", "sqlite", "--json");
      assert.equal(back.code, 0, back.stderr.join("\n"));
      const joined = JSON.parse(back.stdout.join());
      assert.deepEqual([joined.to, joined.partitions], [
        join(scene.dataDir, "barnacle.db"),
        PARTITIONS,
      ]);
      const late = startSecondBot(scene, { env: { STORE_URL } });
      assert.deepEqual(await ended(late), { code: 78, signal: null });
      assert.match(late.lines.join("\n"), /has brought its store back into a file/);

      for (const place of places) scene.say("grace", place, `${scene.mention} q3`); // during the gap
      scene.rewrite({ discord, config: OWN });
      const third = await scene.start();
      await askAll(4);
      third.kill("SIGTERM");
      assert.deepEqual(await ended(third), STOPPED);
      // Joined, a store can be divided by another number.
      const again = server.create();
      scene.rewrite({ discord, config: { ...config, store: { ...config.store, partitions: 2 } } });
      const divided = await scene.cli("store", "move", "--to", again, "--json");
      assert.equal(divided.code, 0, divided.stderr.join("\n"));
      assert.equal(JSON.parse(divided.stdout.join()).partitions, 2);
    });
  });

  it("[O16] joins the partitions of two processes, whose open work goes on once", async () => {
    const env = { STORE_URL: server.create() };
    const discord = () => ({ guilds: { "*": {} } });
    const places = [channelOf(0), channelOf(1), channelOf(2)] as const;
    await withSimulation({
      simulator: {
        world: dividedWorld(PARTITIONS).world,
        identifyLimit: { maxConcurrency: 16 },
      },
      discord,
      config: { ...SHARED, store: { ...SHARED.store, partitions: PARTITIONS } },
      env,
      mayRefuse: ({ status }) => status === 429 || status === 502,
    }, async (scene) => {
      const { simulator, say, mention, until, written } = scene;
      const start = (name: string) =>
        startSecondBot(scene, { env, name, lifeMs: 9 * PATIENCE_MS, isService: true });
      const first = start("first");
      const areConnected = () => simulator.connected() === PARTITIONS;
      await until("all shards", areConnected, 2 * PATIENCE_MS);
      const second = start("second");
      await until(
        "a partition of the second process",
        () => first.lines.some((line) => /Giving up a partition/.test(line)) && areConnected(),
        3 *
          PATIENCE_MS,
      );
      const [unsent, asking, scheduling] = places;
      for (const place of places) say("grace", place, `${mention} before`);
      const each = (words: string) => () =>
        places.every((place) => written(place).filter((text) => text.includes(words)).length === 1);
      await until("answers", each("before"), 2 * PATIENCE_MS);
      say("grace", asking, `${mention}\ncall: ask {"question":"Which?","options":["red","blue"]}`);
      const { id: askedIn } = simulator.channel(asking);
      const cardNow = () =>
        simulator.posted(askedIn).findLast(({ components }) => buttonsIn(components).length > 0);
      const card = await until("a question", cardNow, 2 * PATIENCE_MS);
      const set = { action: "create", when: "8h", text: "the tide", task: true };
      say("grace", scheduling, `${mention}\ncall: remind ${JSON.stringify(set)}`);
      await until("a schedule", () => written(scheduling).length === 2, 2 * PATIENCE_MS);
      const broken = simulator.faults.rest.add({
        method: "POST",
        route: "/channels/:id/messages",
        fault: { kind: "status", status: 502 },
      });
      say("grace", unsent, `${mention} pearls`);
      await until(
        "an answer that waits",
        () =>
          [first, second].some(({ lines }) =>
            lines.some((line) => /A message waits, because it could not/.test(line))
          ),
        2 * PATIENCE_MS,
      );
      first.kill("SIGKILL"); // its leases last ten seconds more
      second.kill("SIGTERM");
      assert.deepEqual(await ended(first), KILLED);
      assert.deepEqual(await ended(second), STOPPED);
      broken.remove();

      const data = join(scene.dataDir, "second");
      const run = (...args: readonly string[]) => at(scene, data, env.STORE_URL, ...args);
      let moved = await run("store", "move", "--to", "sqlite");
      await scene.eventually("the end of the leases", async () => {
        if (moved.code !== 75) return true;
        assert.match(moved.stderr.join(), /owns the store|would take over/);
        moved = await run("store", "move", "--to", "sqlite");
        return false;
      });
      assert.equal(moved.code, 0, moved.stderr.join("\n"));
      assert.match(
        moved.stdout.join(),
        /^Joined the 3 partitions of the database .*all are equal$/,
      );
      assert.match(moved.stderr.join(), /Remove store\.url and store\.partitions from/);
      scene.rewrite({ discord, config: OWN });
      const [schedule] = JSON.parse((await run("schedules", "list", "--json")).stdout.join("\n"));
      assert.deepEqual((await run("schedules", "run", `${schedule.id}`)).code, 0);
      await using joined = startSecondBot(scene, { name: "second", lifeMs: 6 * PATIENCE_MS });
      await until(
        "the answer that waited",
        () => written(unsent).some((text) => text.includes("pearls")),
        2 * PATIENCE_MS,
      );
      await until(
        "the task",
        () => written(scheduling).some((text) => text.includes("> the tide")),
        2 * PATIENCE_MS,
      );
      const red = buttonsIn(card.components).find(({ label }) => label === "red");
      assert.ok(red);
      simulator.press({ as: "grace", in: asking, message: card.id, customId: red.custom_id });
      await until(
        "the answer to the question",
        () => written(asking).some((text) => text.includes('"answer":"red"')),
        2 * PATIENCE_MS,
      );
      for (const place of places) say("grace", place, `${mention} later`);
      await until("later answers", each("later"), 2 * PATIENCE_MS);
      const count = (place: string, words: string) =>
        written(place).filter((text) => text.includes(words)).length;
      assert.deepEqual(
        [count(unsent, "pearls"), count(scheduling, "> the tide"), count(asking, '"answer":"red"')],
        [1, 1, 1],
      );
      assert.ok(each("before")());
      joined.kill("SIGTERM");
      assert.deepEqual(await ended(joined), STOPPED);
    });
  });

  it("[O15] never replaces the only store after a first copy that was interrupted", async () => {
    await scenes(async (scene, url) => {
      const bot = await scene.start();
      await asks(scene, 0, 2);
      bot.kill("SIGTERM");
      assert.deepEqual(await ended(bot), STOPPED);
      const remote = createRemote(url);
      await remote.open();
      await remote.close();
      server.sql(
        url,
        `CREATE FUNCTION barnacle.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full';
         END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON barnacle.pages
           FOR EACH STATEMENT EXECUTE FUNCTION barnacle.full()`,
      );
      scene.rewrite({ config: SHARED });
      const cut = scene.startBot();
      await scene.line(cut, /PostgreSQL does not take/);
      cut.kill("SIGKILL");
      assert.deepEqual(await ended(cut), KILLED);
      const before = readFileSync(join(scene.dataDir, "barnacle.db"));
      server.sql(url, "DROP TRIGGER full_disk ON barnacle.pages");
      await using other = startSecondBot(scene, { env: { STORE_URL: url } });
      await scene.line(other, /This process owns the store/);
      await scene.line(other, /"The bot is ready"/);
      const again = scene.startBot();
      assert.deepEqual(await ended(again), { code: 78, signal: null });
      assert.match(again.lines.join("\n"), /the store of another data directory/);
      assert.ok(readFileSync(join(scene.dataDir, "barnacle.db")).equals(before));
      other.kill("SIGTERM");
      assert.deepEqual(await ended(other), STOPPED);
    });
  });

  describe("refuses", () => {
    /** Runs the command for a bot that has answered and is stopped. */
    const refused = (
      act: (
        scene: Scene,
        url: string,
      ) => Promise<readonly [args: readonly string[], code: number, words: RegExp]>,
      config?: SceneOptions["config"],
    ) =>
      scenes(async (scene, url) => {
        const [args, code, words] = await act(scene, url);
        const ran = await scene.cli("store", "move", ...args);
        assert.equal(ran.code, code, ran.stderr.join("\n"));
        assert.match(ran.stderr.join("\n"), words);
        assert.doesNotMatch(ran.stderr.join("\n"), /swordfish|\n\s+at /);
      }, config);

    async function stopped(scene: Scene): Promise<void> {
      const bot = await scene.start();
      bot.kill("SIGTERM");
      assert.deepEqual(await ended(bot), STOPPED);
    }

    it("[O15] a place that is none", () =>
      refused(() =>
        Promise.resolve([
          ["--to", "https://swordfish@db.home/x"],
          2,
          /--to takes an address of PostgreSQL, or sqlite/,
        ])
      ));

    it("[O15] a data directory without a store", () =>
      refused((_scene, url) => Promise.resolve([["--to", url], 75, /no store in /])));

    it("[O15] a store whose bot runs", () =>
      refused(async (scene, url) => {
        await scene.start();
        return [["--to", url], 75, /a bot \(pid \d+\) runs with the data in .*; stop it first/];
      }));

    it("[O15] a server that does not answer", () =>
      refused(async (scene) => {
        await stopped(scene);
        const url = "postgres://bot:swordfish@127.0.0.1:1/x";
        return [["--to", url], 75, /cannot use PostgreSQL .*ECONNREFUSED/];
      }));

    it("[O15] a wrong password", () =>
      refused(async (scene) => {
        await stopped(scene);
        return [["--to", server.address("bot", "swordfish")], 78, /password authentication failed/];
      }));

    it("[O15] a database with a store of another data directory", () =>
      refused(async (scene, url) => {
        await stopped(scene);
        const copy = join(scene.dataDir, "copy");
        mkdirSync(copy, { mode: 0o700 });
        writeFileSync(
          join(copy, "barnacle.db"),
          readFileSync(join(scene.dataDir, "barnacle.db")),
          { mode: 0o600 },
        );
        const first = await at(scene, copy, url, "store", "move", "--to", url);
        assert.equal(first.code, 0, first.stderr.join("\n"));
        return [["--to", url], 78, /has the store of another data directory/];
      }));

    it("[O15] the way back without an address in the config", () =>
      refused(() => Promise.resolve([["--to", "sqlite"], 78, /set store\.url to its address/])));

    it("[O15] the way back from a database without a store", () =>
      refused(() => Promise.resolve([["--to", "sqlite"], 78, /has no store/]), SHARED));

    it("[O15] the way back while another process owns the store", () =>
      refused(async (scene, STORE_URL) => {
        const other = startSecondBot(scene, { env: { STORE_URL } });
        await scene.line(other, /This process owns the store/);
        return [["--to", "sqlite"], 75, /elsewhere owns the store; stop all processes/];
      }, SHARED));

    it("[O15] the way back while a process stands by, which would take over", () =>
      refused(async (scene, STORE_URL) => {
        const owner = await scene.start();
        const standby = startSecondBot(scene, { env: { STORE_URL } });
        await scene.line(standby, /Barnacle is standing by/);
        owner.kill("SIGKILL");
        assert.deepEqual(await ended(owner), KILLED);
        // After its lease, which a slow machine may reach, the other process owns the store.
        const words =
          /a standby runs at \S+elsewhere, and would take over|elsewhere owns the store/;
        return [["--to", "sqlite"], 75, words];
      }, SHARED));
  });
});
