import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
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
import { startSecondBot } from "../../support/process/second_bot.ts";
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
      const back = await scene.cli("store", "move", "--to", "sqlite");
      assert.equal(back.code, 78);
      assert.match(back.stderr.join(), /cannot join the partitions of a store into one file/);
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
