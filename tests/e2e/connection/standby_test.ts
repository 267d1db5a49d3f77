import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
import { accountOf } from "../../support/bot/account.ts";
import { ended, killBot, type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { judge } from "../../support/bot/survival.ts";
import { startCutProxy } from "../../support/network/cut_proxy.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";

const STORE = { store: { url: "${STORE_URL}" }, shutdown: { graceSec: 2 } };

/** What the bot owes after some questions in one channel. */
const owed = (count: number) => [
  { channel: "general", pieces: Array.from({ length: count }, (_, number) => `q${number}`) },
];

function ask({ say, mention }: Scene, from: number, to: number): void {
  for (let number = from; number < to; number++) say("grace", "general", `${mention} q${number}`);
}

const elsewhere = ({ dataDir }: Scene) => join(dataDir, "elsewhere");

/** A process that was started again does not know how many requests the one before has sent. */
const mayRefuse = ({ status }: { status?: number | undefined }) => status === 429;

const answered = ({ written }: Scene, count: number) =>
  accountOf(owed(count), written).lost.length === 0;

describe("a bot with a standby", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  /** Plays a scene with an owner that is online, and a standby with a whole copy. */
  async function play(
    act: (
      scene: Scene,
      owner: SimulatedProcess,
      standby: SimulatedProcess,
      url: string,
    ) => Promise<void>,
  ): Promise<void> {
    const STORE_URL = server.create();
    await withSimulation({ config: STORE, env: { STORE_URL }, mayRefuse }, async (scene) => {
      const owner = await scene.start();
      await using standby = startSecondBot(scene, { env: { STORE_URL } });
      await scene.line(standby, /Barnacle is standing by/);
      await scene.eventually("a whole copy", async () => {
        const { stdout } = await scene.command(["status", "--data", elsewhere(scene)]);
        return /^Healthy: standby/.test(stdout.join("\n"));
      });
      await act(scene, owner, standby, STORE_URL);
    });
  }

  it("[O15] answers each question once if its owner is killed", async () => {
    await play(async (scene, owner, standby) => {
      ask(scene, 0, 6);
      await scene.until("two answers", () => answered(scene, 2));
      await killBot(owner);
      ask(scene, 6, 10);
      await judge(scene, standby, owed(10));
    });
  });

  it("[O15] hands over by a resumed session if its owner is told to stop", async () => {
    await play(async (scene, owner, standby) => {
      ask(scene, 0, 3);
      await scene.until("three answers", () => answered(scene, 3));
      await stopBot(owner);
      ask(scene, 3, 6);
      await scene.line(standby, /resumed the session/);
      await judge(scene, standby, owed(6));
      assert.equal(standby.lines.some((line) => /began a new session/.test(line)), false);
    });
  });

  it("[O15] posts nothing from a process that was asleep while another one took over", async () => {
    await play(async (scene, owner, standby) => {
      ask(scene, 0, 2);
      await scene.until("two answers", () => answered(scene, 2));
      process.kill(owner.pid ?? 0, "SIGSTOP");
      ask(scene, 2, 5);
      await scene.line(standby, /This process owns the store/);
      await scene.until("the answers", () => answered(scene, 5));
      process.kill(owner.pid ?? 0, "SIGCONT");
      assert.deepEqual(await ended(owner), { code: 75, signal: null });
      assert.match(owner.lines.join("\n"), /Another process (?:has|may have) taken over this bot/);
      await judge(scene, standby, owed(5));
    });
  });

  it("[O15] takes no lease of a store that a newer program wrote", async () => {
    await play(async (scene, owner, standby, url) => {
      await killBot(owner);
      server.sql(
        url,
        `WITH next AS (UPDATE barnacle.store SET sequence = sequence + 1 RETURNING sequence)
         UPDATE barnacle.pages SET bytes = set_byte(bytes, 63, 200), sequence = next.sequence
         FROM next WHERE number = 1`,
      );
      await scene.line(standby, /Cannot take over.*a newer Barnacle wrote the store/);
      await scene.eventually("the end of the lease", async () => {
        const { stdout } = await scene.command(["status", "--data", elsewhere(scene)]);
        const shown = stdout.join("\n");
        assert.match(
          shown,
          /a newer Barnacle wrote the store, so upgrade this one; this process cannot take over/,
        );
        return /none; the lease of \S+ has ended/.test(shown);
      });
      await stopBot(standby);
      assert.equal(standby.lines.some((line) => /This process owns/.test(line)), false);
    });
  });

  it("[O15] takes over from an owner that is cut off Discord, once in ten minutes", async () => {
    const STORE_URL = server.create();
    await withSimulation({ config: STORE, env: { STORE_URL }, mayRefuse }, async (scene) => {
      const { faults, gatewayUrl } = scene.simulator;
      const { port } = new URL(gatewayUrl);
      await using proxy = await startCutProxy(Number(port));
      // The owner and its successors resume there; a standby that looks gets the true address.
      faults.gateway.address = gatewayUrl.replace(port, `${proxy.port}`);
      const first = await scene.start();
      await using second = startSecondBot(scene, { env: { STORE_URL } });
      await scene.line(second, /Barnacle is standing by/);
      faults.gateway.address = undefined;
      const cut = () => {
        proxy.turnTo(1);
        return faults.rest.add({ route: "/gateway/bot", fault: { kind: "reset" } });
      };
      const heal = ({ remove }: ReturnType<typeof cut>) => (proxy.turnTo(Number(port)), remove());
      ask(scene, 0, 2);
      await scene.until("two answers", () => answered(scene, 2));
      const cutAt = performance.now();
      const none = cut();
      ask(scene, 2, 4);
      assert.deepEqual(await ended(first), { code: 75, signal: null });
      assert.ok(performance.now() - cutAt <= 45_000);
      assert.match(first.lines.join("\n"), /Handing over to a standby.*no connection to Discord/);
      heal(none);
      await scene.until("the answers", () => answered(scene, 4));

      const third = scene.startBot(); // the machine of the first owner
      await scene.line(third, /Barnacle is standing by/);
      const again = cut();
      ask(scene, 4, 6);
      const remote = createRemote(STORE_URL);
      await scene.eventually("the standby to reach Discord", async () => {
        const { processes = [] } = await remote.inspect();
        const isFit = (end: string) => processes.find(({ place }) => place.endsWith(end))?.isFit;
        return isFit(scene.dataDir) === true && isFit(elsewhere(scene)) === false;
      });
      await remote.close();
      await sleep(25_000); // longer than an owner without Discord waits otherwise
      assert.equal(second.lines.some((line) => /Handing over/.test(line)), false);
      server.sql(
        STORE_URL,
        "UPDATE barnacle.store SET handed_over = handed_over - interval '10 minutes'",
      );
      assert.deepEqual(await ended(second), { code: 75, signal: null });
      heal(again);
      await judge(scene, third, owed(6));
    });
  });

  it("[O15] resumes no more once its lease has ended, and says meanwhile that PostgreSQL does not answer", async () => {
    const direct = server.create();
    await using proxy = await startCutProxy(server.port);
    const STORE_URL = direct.replace(`:${server.port}/`, `:${proxy.port}/`);
    await withSimulation({ config: STORE, env: { STORE_URL }, mayRefuse }, async (scene) => {
      const owner = await scene.start();
      ask(scene, 0, 2);
      await scene.until("two answers", () => answered(scene, 2));
      proxy.cut();
      for (let told = false; !told;) {
        const startedAt = performance.now();
        const text = await (await scene.ask(owner, "/healthz")).text();
        assert.ok(performance.now() - startedAt <= 1_000);
        told = /PostgreSQL does not answer.*; answers wait until it does/.test(text);
        assert.notEqual(told, text.includes("storage:write"), "the disk is well");
      }
      await scene.line(owner, /no answer within 20 s/); // the lease has ended
      const { simulator } = scene;
      /** Cuts the owner off, and returns once it has connected again. */
      const connected = async () => {
        const opened = simulator.opened();
        const { connections } = simulator.account();
        simulator.faults.gateway.drop(4000);
        await scene.until("a connection", () => simulator.opened() > opened);
        return () => assert.equal(simulator.account().connections, connections, "it resumed");
      };
      const onlyConnected = await connected();
      ask(scene, 2, 4);
      await sleep(1_000); // a RESUME would follow its HELLO at once
      onlyConnected();
      proxy.mend(); // no other process has the lease
      await scene.until("the answers", () => answered(scene, 4));
      assert.equal(simulator.account().identifies.length, 1, "it resumed the same session");

      proxy.cut();
      process.kill(owner.pid ?? 0, "SIGSTOP"); // so that its lock of the token does not count here
      await using standby = startSecondBot(scene, { env: { STORE_URL: direct } });
      await scene.line(standby, /resumed the session/);
      const { connections } = simulator.account();
      const opened = simulator.opened();
      process.kill(owner.pid ?? 0, "SIGCONT"); // Discord has closed its connection
      await scene.until("the owner to connect", () => simulator.opened() > opened);
      ask(scene, 4, 6);
      await scene.until("the answers of the new owner", () => answered(scene, 6));
      assert.equal(simulator.account().connections, connections, "it took the session back");
      proxy.mend();
      assert.deepEqual(await ended(owner), { code: 75, signal: null });
      assert.match(owner.lines.join("\n"), /Another process has taken over this bot/);
      assert.equal(simulator.account().connections, connections);
      await judge(scene, standby, owed(6));
    });
  });

  it("[O15] goes on after PostgreSQL has been restarted, and its process without takeover", async () => {
    await play(async (scene, owner, standby) => {
      ask(scene, 0, 2);
      await scene.until("two answers", () => answered(scene, 2));
      await server.stop("SIGQUIT");
      ask(scene, 2, 5);
      await scene.line(owner, /PostgreSQL does not take/);
      await scene.eventually(
        "health to say so",
        async () => (await scene.ask(owner, "/healthz")).status === 503,
      );
      assert.equal(answered(scene, 3), false);
      await server.start();
      await scene.until("the answers", () => answered(scene, 5));
      assert.equal(standby.lines.some((line) => /This process owns/.test(line)), false);
      await stopBot(standby);
      owner.kill("SIGKILL");
      await ended(owner);
      const again = await scene.start(); // at once: the lease is its own
      await judge(scene, again, owed(5));
    });
  });

  it("[O15] stops while PostgreSQL is down, and goes on later with all that it had", async () => {
    await play(async (scene, owner, standby) => {
      await stopBot(standby);
      ask(scene, 0, 2);
      await scene.until("two answers", () => answered(scene, 2));
      await server.stop("SIGQUIT");
      ask(scene, 2, 5);
      await scene.line(owner, /PostgreSQL does not take/);
      await stopBot(owner);
      assert.match(owner.lines.join("\n"), /PostgreSQL lacks the last changes/);
      await server.start();
      await judge(scene, await scene.start(), owed(5));
    });
  });

  /** Address of a new database with a setting. */
  function withSetting(setting: string): string {
    const url = server.create();
    server.sql(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET ${setting}`);
    return url;
  }

  describe("a start", () => {
    const rows: readonly (readonly [string, () => string, number, RegExp])[] = [
      [
        "without PostgreSQL",
        () => "postgres://bot@127.0.0.1:1/x",
        75,
        /cannot use PostgreSQL \(.*ECONNREFUSED.*\); start it, or correct store\.url/,
      ],
      [
        "with a wrong password",
        () => server.address("bot", "swordfish"),
        78,
        /cannot use PostgreSQL \(password authentication failed.*\); correct user and password/,
      ],
      [
        "without that database",
        () => server.address(undefined, undefined, "none"),
        78,
        /cannot use PostgreSQL \(database "none" does not exist\); create it with createdb/,
      ],
      [
        "without the right to create a schema",
        () => {
          const url = new URL(server.create());
          server.sql(url.href, "CREATE ROLE eva LOGIN PASSWORD 'eva'");
          return Object.assign(url, { username: "eva", password: "eva" }).href;
        },
        78,
        /\(permission denied for database .*\); let the user of store\.url create a schema \(GRANT/,
      ],
      [
        "with a server that takes no changes",
        () => withSetting("default_transaction_read_only = on"),
        75,
        /\(it takes no changes\); name the primary server in store\.url/,
      ],
      [
        "with a clock that differs by ten minutes",
        () => {
          const url = withSetting("search_path = late, pg_catalog");
          server.sql(
            url,
            "CREATE SCHEMA late; CREATE FUNCTION late.clock_timestamp() RETURNS timestamptz " +
              "VOLATILE RETURN pg_catalog.clock_timestamp() - interval '10 minutes'",
          );
          return url;
        },
        75,
        /the clock of this machine is (?:9|10) min ahead of the clock of PostgreSQL; set both by NTP/,
      ],
      [
        "without room on its disk",
        () => {
          const url = server.create();
          server.sql(
            url,
            `CREATE FUNCTION full_disk() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
               RAISE EXCEPTION 'could not extend file: No space left on device'
                 USING ERRCODE = 'disk_full';
             END $$;
             CREATE EVENT TRIGGER full_disk ON ddl_command_start WHEN TAG IN ('CREATE TABLE')
               EXECUTE FUNCTION full_disk()`,
          );
          return url;
        },
        74,
        /\(could not extend file: No space left on device\); free space on the disk of PostgreSQL/,
      ],
      [
        "with an address of the web",
        () => "https://db.example/x",
        78,
        /does not begin with postgres:\/\/ or postgresql:\/\//,
      ],
      ["without a database", () => "postgres://bot@db.example", 78, /it names no database/],
      ["with a typo", () => `${server.address()}?sslmode=on`, 78, /sslmode is none of disable/],
      ["with parameters", () => `${server.address()}?ssl=1`, 78, /parameters other than sslmode/],
      [
        "with a % that begins no character",
        () => "postgres://bot:100%@db.example/x",
        78,
        /it has a % that begins no character; write %25/,
      ],
      ["with no address", () => "db.example", 78, /does not begin with postgres:\/\//],
    ];
    for (const [what, url, code, words] of rows) {
      it(`[O15] ${what} ends with ${code} and the next step`, async () => {
        await withSimulation({ config: STORE, env: { STORE_URL: url() } }, async (scene) => {
          const bot = scene.startBot();
          assert.deepEqual(await ended(bot), { code, signal: null });
          assert.match(bot.lines.join("\n"), words);
          assert.doesNotMatch(bot.lines.join("\n"), /swordfish/);
        });
      });
    }

    it("[O15] with the token of another bot ends with 78", async () => {
      await play(async (scene, _owner, _standby, STORE_URL) => {
        const env = { STORE_URL, DISCORD_BOT_TOKEN: "another.bot.token" };
        await using other = startSecondBot(scene, { env, name: "other" });
        assert.deepEqual(await ended(other), { code: 78, signal: null });
        assert.match(other.lines.join("\n"), /has the store of another bot, which ran last at/);
      });
    });

    it("[O15] with another database for the same bot ends with 75", async () => {
      await play(async (scene) => {
        const env = { STORE_URL: server.create() };
        await using other = startSecondBot(scene, { env, name: "other" });
        assert.deepEqual(await ended(other), { code: 75, signal: null });
        const words = /uses the database test\d+ of the same server; name one database/;
        assert.match(other.lines.join("\n"), words);
      });
    });

    it("[O15] with the data directory of another process ends with 75", async () => {
      await play(async (scene) => {
        const bot = scene.startBot();
        assert.deepEqual(await ended(bot), { code: 75, signal: null });
        assert.match(bot.lines.join("\n"), /[Aa]nother instance/);
      });
    });

    it("[O15] with data of its own beside the store of another directory ends with 78", async () => {
      await play(async (scene, _owner, standby, STORE_URL) => {
        await stopBot(standby);
        rmSync(join(elsewhere(scene), "shared-store.json"));
        writeFileSync(join(elsewhere(scene), "barnacle.db"), "data");
        await using other = startSecondBot(scene, { env: { STORE_URL } });
        assert.deepEqual(await ended(other), { code: 78, signal: null });
        assert.match(other.lines.join("\n"), /has the store of another data directory/);
        const path = join(elsewhere(scene), "barnacle.db");
        assert.equal(readFileSync(path, "utf8"), "data");
      });
    });
  });

  it("[O15] shows owner, standby and hand-over alike in each process", async () => {
    await play(async (scene, owner, standby, STORE_URL) => {
      const data = elsewhere(scene);
      const places = { owner: `${hostname()}:${scene.dataDir}`, standby: `${hostname()}:${data}` };
      const shown = async (dataDir: string) => {
        const { stdout } = await scene.command(["status", "--data", dataDir]);
        return stdout.join("\n");
      };
      const metricsOf = async (bot: SimulatedProcess, dataDir: string) => {
        const line = await scene.line(bot, /Barnacle is (?:running|standing by)/);
        const { httpKey } = JSON.parse(readFileSync(join(dataDir, "lock"), "utf8"));
        const answer = await fetch(new URL("/metrics", JSON.parse(line).fields.health), {
          headers: { authorization: `Bearer ${httpKey}`, connection: "close" },
        });
        return (await answer.text()).split("\n").filter((line) => /^barnacle_store_/.test(line));
      };
      for (const dataDir of [scene.dataDir, data]) {
        await scene.eventually(
          `both in the status of ${dataDir}`,
          async () =>
            /Standby +\S+:\S+elsewhere \(\S+\), has all changes/.test(await shown(dataDir)),
        );
      }
      // A change may be under way at any moment.
      await scene.eventually(
        "PostgreSQL to have all changes",
        async () => /Copy +PostgreSQL has all changes/.test(await shown(scene.dataDir)),
      );
      const mine = await shown(scene.dataDir);
      assert.match(mine, /Owner +this process \(\S+\) since 20.+ UTC, lease 1\n/);
      assert.match(mine, /Hand-over +none yet/);
      const theirs = await shown(data);
      assert.ok(theirs.includes(`${places.owner} since`), theirs);
      assert.match(theirs, /Copy +this copy was whole \d+ m?s ago/);
      const own = await metricsOf(owner, scene.dataDir);
      for (const line of ["owner 1", "epoch 1", "hand_overs 0", "standbys 1"]) {
        assert.ok(own.includes(`barnacle_store_${line}`), own.join("\n"));
      }
      assert.ok((await metricsOf(standby, data)).includes("barnacle_store_owner 0"));
      const env = { STORE_URL, DISCORD_API_URL: scene.simulator.apiUrl, DISCORD_BOT_TOKEN: "x" };
      const doctor = async () => {
        const args = ["doctor", "--only", "host", "--json", "--data", data];
        const ran = await scene.command([...args, "--config", scene.configFile], env);
        const { findings } = JSON.parse(ran.stdout.join("\n"));
        return findings.find(({ id }: { readonly id: string }) => id === "host.shared");
      };
      let healthy = await doctor();
      await scene.eventually("doctor to see all changes at the standby", async () => {
        healthy = await doctor();
        return /; standby: .+has all/.test(healthy.why);
      });
      assert.equal(healthy.status, "pass", healthy.why);
      assert.match(healthy.why, /^PostgreSQL \d+ answers; owner: \S+ since .+; standby: .+has all/);
      assert.ok(healthy.why.endsWith(`with --data ${scene.dataDir}: its process owns the store`));
      await stopBot(owner);
      await scene.line(standby, /"Barnacle is running"/);
      await scene.eventually("the hand-over", async () => {
        const now = await shown(data);
        return now.includes(`from ${places.owner}, which had stopped; 1 in all`);
      });
      assert.match((await doctor()).why, /which had stopped; 1 in all$/);
      await server.stop("SIGQUIT");
      await scene.eventually("status to say so", async () => {
        const now = await shown(data);
        return /FAIL +storage:shared +PostgreSQL does not answer.*; answers wait/.test(now);
      });
      assert.doesNotMatch(await shown(data), /storage:write/, "the disk is well");
      const down = await doctor();
      assert.deepEqual([down.status, down.fix], ["fail", "start it, or correct store.url"]);
      assert.match(down.why, /^PostgreSQL does not answer \(/);
      const args = ["why", "1456074443980800010", "--data", data, "--config", scene.configFile];
      const unknown = await scene.command(args, env);
      assert.match(unknown.stderr.join("\n"), /answers wait, because PostgreSQL does not answer/);
      await server.start();
      await scene.eventually(
        "health again",
        async () => !/storage:shared/.test(await shown(data)),
      );
    });
  });

  it("[O15] says at the standby that it is one, and refuses commands once no process runs there", async () => {
    await play(async (scene, owner, standby) => {
      const { health } = JSON.parse(await scene.line(standby, /Barnacle is standing by/)).fields;
      assert.equal((await fetch(health)).status, 200);
      assert.equal((await fetch(new URL("/readyz", health))).status, 503);
      const data = elsewhere(scene);
      const status = await scene.command(["status", "--data", data]);
      assert.equal(status.code, 0, status.stderr.join("\n"));
      assert.match(status.stdout.join("\n"), /^Healthy: standby/);
      assert.equal((await scene.command(["healthcheck", "--data", data])).code, 0);
      assert.equal(existsSync(join(data, "barnacle.db")), false);
      await stopBot(standby);
      const way =
        `: use the command on ${hostname()}, with --data ${scene.dataDir}: its process owns`;
      const refused = [
        ["pairing", "list"],
        ["pairing", "approve", "ABCD-EFGH"],
        ["sessions"],
        ["dashboard"],
      ];
      for (const args of refused) {
        const { code, stderr } = await scene.command([...args, "--data", data]);
        assert.equal(code, 75, stderr.join("\n"));
        assert.match(stderr.join("\n"), /only a standby's copy of the store/);
        assert.ok(stderr.join("\n").includes(way), stderr.join("\n"));
      }
      await stopBot(owner);
      assert.equal((await scene.cli("sessions")).code, 0, "reading is harmless");
      const { code, stderr } = await scene.cli("pairing", "approve", "ABCD-EFGH");
      assert.equal(code, 75, stderr.join("\n"));
      assert.match(stderr.join("\n"), /is shared by store\.url, and no bot runs here/);
    });
  });
});
