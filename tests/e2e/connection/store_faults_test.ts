/** Causes each fault of PostgreSQL, at the start and while the bot runs. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
import { accountOf } from "../../support/bot/account.ts";
import { ended, type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { judge } from "../../support/bot/survival.ts";
import { startCutProxy } from "../../support/network/cut_proxy.ts";
import { TEST_CA } from "../../support/network/test_ca.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";
import { startOldPostgres } from "../../support/store/old_postgres.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";
import { NEEDS_SMALL_DISK, startOnSmallDisk } from "../../support/store/small_disk.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const STORE = { store: { url: { env: "STORE_URL" } }, shutdown: { graceSec: 2 } };

/** A process that was started again does not know how many requests the one before has sent. */
const mayRefuse = ({ status }: { status?: number | undefined }) => status === 429;

/** With two digits, so that no name is a part of another one. */
const nameOf = (number: number) => `q${String(number).padStart(2, "0")}`;

const owed = (count: number) => [
  { channel: "general", pieces: Array.from({ length: count }, (_, number) => nameOf(number)) },
];

function ask({ say, mention }: Scene, from: number, to: number): void {
  for (let number = from; number < to; number++) {
    say("grace", "general", `${mention} ${nameOf(number)}`);
  }
}

const unanswered = ({ written }: Scene, count: number) =>
  accountOf(owed(count), written).lost.length;

/** Asks, and waits for the answers to all questions so far. */
async function asks(scene: Scene, from: number, to: number): Promise<void> {
  ask(scene, from, to);
  await scene.until("the answers", () => unanswered(scene, to) === 0);
}

const elsewhere = ({ dataDir }: Scene) => join(dataDir, "elsewhere");

const scenes = (
  STORE_URL: string,
  act: (scene: Scene) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
) => withSimulation({ config: STORE, env: { STORE_URL, ...env }, mayRefuse }, act);

/** Plays a start that ends by itself, with one line that has the next step. */
const refused = (
  url: string,
  code: number,
  words: RegExp,
  env?: Readonly<Record<string, string>>,
) =>
  scenes(url, async (scene) => {
    const bot = scene.startBot();
    assert.deepEqual(await ended(bot), { code, signal: null }, bot.lines.join("\n"));
    const lines = bot.lines.filter((line) => words.test(line));
    assert.equal(lines.length, 1, bot.lines.join("\n"));
    assert.doesNotMatch(bot.lines.join("\n"), /correct(?:%20| )horse/);
  }, env);

describe("the store with a faulty PostgreSQL", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres({ tls: "signed" })));
  after(() => server.close());

  describe("at the start", () => {
    it("[O15] an unknown host ends with 75", () =>
      refused(
        "postgres://bot@barnacle.invalid/x",
        75,
        /barnacle\.invalid\); start it, or correct/,
      ));

    it("[O15] a version that is too old ends with 78", async () => {
      await using old = await startOldPostgres();
      await refused(old.url, 78, /\(it is PostgreSQL 14; use 15 or newer\); name a database of/);
    });

    it("[O15] a server without TLS ends with 78 if sslmode asks for it", async () => {
      const plain = await startPostgres({ tls: "none" });
      try {
        const words = /\(the server has no TLS, and sslmode asks for it\); switch on TLS at/;
        await refused(`${plain.create()}?sslmode=require`, 78, words);
      } finally {
        await plain.close();
      }
    });

    it("[O15] a certificate of an unknown authority ends with 78", () =>
      refused(
        `${server.create()}?sslmode=verify-full`,
        78,
        /certificate.*\); give the server a certificate for the host in store\.url, or correct sslmode/,
      ));

    it("[O15] a certificate proves an IP address, and no other one", async () => {
      using folder = tempDirectory();
      const NODE_EXTRA_CA_CERTS = join(folder.path, "ca.pem");
      writeFileSync(NODE_EXTRA_CA_CERTS, TEST_CA);
      const url = `${server.create()}?sslmode=verify-full`;
      await scenes(url, async (scene) => {
        const bot = await scene.start();
        await asks(scene, 0, 1);
        await stopBot(bot);
      }, { NODE_EXTRA_CA_CERTS });
      const other = url.replace("127.0.0.1", "[::1]");
      await refused(other, 78, /::1 is not in the cert.*\); give the server/, {
        NODE_EXTRA_CA_CERTS,
      });
    });

    it("[O15] a replica ends with 75, also if it has the store", async () => {
      const url = server.create();
      await scenes(url, async (scene) => {
        const bot = await scene.start();
        await stopBot(bot);
        await using replica = await server.replica();
        await using other = startSecondBot(scene, { env: { STORE_URL: replica.addressOf(url) } });
        assert.deepEqual(await ended(other), { code: 75, signal: null });
        assert.match(other.lines.join("\n"), /\(it takes no changes\); name the primary server/);
        const env = {
          STORE_URL: replica.addressOf(url),
          DISCORD_API_URL: scene.simulator.apiUrl,
          DISCORD_BOT_TOKEN: "x",
        };
        const args = ["doctor", "--only", "host", "--json", "--config", scene.configFile];
        const ran = await scene.command([...args, "--data", elsewhere(scene)], env);
        assert.match(ran.stdout.join("\n"), /PostgreSQL \d+ answers, and takes no changes/);
      });
    });

    it("[O15] a store that a program reads ends with 74", async () => {
      await scenes(server.create(), async (scene) => {
        const bot = await scene.start();
        await stopBot(bot);
        const reader = new DatabaseSync(join(scene.dataDir, "barnacle.db"));
        reader.exec("BEGIN");
        reader.prepare("SELECT count(*) FROM sqlite_schema").get();
        const again = scene.startBot();
        assert.deepEqual(await ended(again), { code: 74, signal: null });
        reader.close();
        assert.match(again.lines.join("\n"), /another program reads \S+barnacle\.db, so its log/);
      });
    });
  });

  /** Plays a fault: the bot answers nothing, says so, and answers all once the fault is over. */
  async function survive(
    scene: Scene,
    bot: SimulatedProcess,
    from: number,
    { what, cause, end, words }: {
      readonly what: string;
      readonly cause: () => Promise<void> | void;
      readonly end: () => Promise<void> | void;
      readonly words?: RegExp;
    },
  ): Promise<void> {
    const before = bot.lines.length;
    await cause();
    ask(scene, from, from + 2);
    await scene.eventually(
      `health to tell: ${what}`,
      async () => (await scene.ask(bot, "/healthz")).status === 503,
    );
    if (words) {
      await scene.eventually(
        `the log to tell: ${what}`,
        () => Promise.resolve(bot.lines.slice(before).some((line) => words.test(line))),
      );
    }
    assert.equal(unanswered(scene, from + 2), 2, `${what}: no answer before PostgreSQL has it`);
    await end();
    await scene.until(`the answers: ${what}`, () => unanswered(scene, from + 2) === 0);
    await scene.eventually(
      `health again: ${what}`,
      async () => (await scene.ask(bot, "/healthz")).status === 200,
    );
  }

  it("[O15] waits while PostgreSQL fails, says so, and loses nothing", async () => {
    const direct = server.create();
    await using proxy = await startCutProxy(server.port);
    const url = Object.assign(new URL(direct), { username: "rob", port: proxy.port }).href;
    server.sql(direct, "CREATE ROLE admin SUPERUSER LOGIN PASSWORD 'admin'");
    const admin = Object.assign(new URL(direct), { username: "admin", password: "admin" }).href;
    const run = (...statements: readonly string[]) => {
      for (const statement of statements) server.sql(admin, statement);
    };
    run(
      "CREATE ROLE rob LOGIN PASSWORD 'correct horse'",
      `GRANT CREATE ON DATABASE ${new URL(direct).pathname.slice(1)} TO rob`,
    );
    const CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rob'";
    await scenes(url, async (scene) => {
      const bot = await scene.start();
      await asks(scene, 0, 1);
      run(CUT);
      await asks(scene, 1, 2);
      const faults: readonly Parameters<typeof survive>[3][] = [
        {
          what: "another password",
          cause: () => run("ALTER ROLE rob PASSWORD 'another'", CUT),
          end: () => run("ALTER ROLE rob PASSWORD 'correct horse'"),
          words: /does not take the store's changes.*password authentication failed/,
        },
        {
          what: "a user that has lost a right",
          cause: () => run("REVOKE INSERT ON barnacle.pages FROM rob"),
          end: () => run("GRANT INSERT ON barnacle.pages TO rob"),
          words: /does not take the store's changes.*permission denied for table pages/,
        },
        {
          what: "a server that takes no changes",
          cause: () =>
            run(
              "ALTER SYSTEM SET default_transaction_read_only = on",
              "SELECT pg_reload_conf()",
              CUT,
            ),
          end: () =>
            run("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()", CUT),
          words: /does not take the store's changes.*read-only transaction/,
        },
        { what: "a cut network", cause: proxy.cut, end: proxy.mend },
        {
          what: "a crash of the server",
          cause: () => server.stop("SIGQUIT"),
          end: () => server.start(),
          words: /does not take the store's changes/,
        },
      ];
      let asked = 2;
      for (const fault of faults) {
        try {
          await survive(scene, bot, asked, fault);
        } catch (error) {
          await fault.end(); // other tests use the server, too
          throw error;
        }
        asked += 2;
      }
      await judge(scene, bot, owed(asked));
    });
  });

  it("[O15] waits while the disk of PostgreSQL is full", NEEDS_SMALL_DISK, async () => {
    await using small = await startOnSmallDisk();
    small.fill();
    await refused(small.url, 74, /No space left on device\); free space on the disk of PostgreSQL/);
    small.free();
    await scenes(small.url, async (scene) => {
      const bot = await scene.start();
      const options = "(autovacuum_enabled = off, toast.autovacuum_enabled = off)";
      small.server.sql(small.url, `ALTER TABLE barnacle.pages SET ${options}`); // it would make room
      await asks(scene, 0, 2);
      await survive(scene, bot, 2, {
        what: "a full disk",
        cause: small.fill,
        end: small.free,
        words: /does not take the store's changes.*No space left on device/,
      });
      await judge(scene, bot, owed(4));
    });
  });

  it("[O15] refuses to share the store of a bot that runs on SQLite", async () => {
    await withSimulation({ config: { shutdown: { graceSec: 2 } } }, async (scene) => {
      const bot = await scene.start();
      await using other = startSecondBot(scene, {
        name: ".",
        env: { STORE_URL: server.create() },
        config: { ...JSON.parse(readFileSync(scene.configFile, "utf8")), ...STORE },
      });
      assert.deepEqual(await ended(other), { code: 75, signal: null });
      assert.match(other.lines.join("\n"), /[Aa]nother instance .*; /);
      await stopBot(bot);
    });
  });

  describe("that goes back to an older copy", () => {
    it("[O15] ends the owner with 75; its next start sends all, and a standby waits for it", async () => {
      const url = server.create();
      await scenes(url, async (scene) => {
        const owner = await scene.start();
        await using standby = startSecondBot(scene, { env: { STORE_URL: url } });
        await scene.line(standby, /Barnacle is standing by/);
        await asks(scene, 0, 2);
        await server.keep();
        await asks(scene, 2, 5);
        await seenBy(scene, url, elsewhere(scene));
        await server.goBack();
        assert.deepEqual(await ended(owner), { code: 75, signal: null });
        assert.match(owner.lines.join("\n"), /PostgreSQL went back to an older copy of the store/);
        assert.doesNotMatch(owner.lines.join("\n"), /Another process has taken over/);
        await scene.line(standby, /so this standby waits for the owner/);
        const again = await scene.start();
        await asks(scene, 5, 7);
        assert.equal(standby.lines.some((line) => /This process owns/.test(line)), false);
        await stopBot(again);
        await scene.line(standby, /This process owns the store/);
        await judge(scene, standby, owed(7));
        const database = new DatabaseSync(join(elsewhere(scene), "barnacle.db"));
        assert.deepEqual({ ...database.prepare("PRAGMA integrity_check").get() }, {
          integrity_check: "ok",
        });
        database.close();
      });
    });

    it("[O15] takes the newer file of its last owner, unless another process has changed it", async () => {
      const url = server.create();
      await scenes(url, async (scene) => {
        const bot = await scene.start();
        await asks(scene, 0, 1);
        await stopBot(bot);
        await server.keep();
        const second = await scene.start();
        await asks(scene, 1, 2);
        await stopBot(second);
        await server.goBack();
        const third = await scene.start(); // its file is newer
        await asks(scene, 2, 3);
        await stopBot(third);
        await server.goBack();
        await using other = startSecondBot(scene, { env: { STORE_URL: url } });
        await scene.line(other, /"Barnacle is running"/);
        await stopBot(other);
        const last = scene.startBot();
        assert.deepEqual(await ended(last), { code: 78, signal: null });
        const words = /went back to an older copy of the store than \S+ has, and/;
        assert.match(last.lines.join("\n"), words);
      });
    });
  });
});

/** Waits until a standby has looked at PostgreSQL after this moment, and has all pages. */
async function seenBy(scene: Scene, url: string, dataDir: string): Promise<void> {
  const remote = createRemote(url);
  try {
    const since = (await remote.inspect()).state?.clockMs ?? Infinity;
    await scene.eventually("the standby to have all changes", async () => {
      const { processes = [] } = await remote.inspect();
      const standby = processes.find(({ place }) => place.endsWith(`:${dataDir}`));
      return standby?.behind === 0 && standby.seenAt > since + 1_000;
    });
  } finally {
    await remote.close();
  }
}
