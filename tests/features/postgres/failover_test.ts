/** Plays a failover of PostgreSQL to its replica, with and without synchronous replication (O15). */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { accountOf } from "../../support/bot/account.ts";
import { ended, killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { judge } from "../../support/bot/survival.ts";
import { startCutProxy } from "../../support/network/cut_proxy.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";

const STORE = { store: { url: { env: "STORE_URL" } }, shutdown: { graceSec: 2 } };
const WARNING = /has a replica, and no commit waits for it.*; set synchronous_standby_names at/;

/** A process that was started again does not know how many requests the one before has sent. */
const mayRefuse = ({ status }: { status?: number | undefined }) => status === 429;

const owed = (count: number) => [
  { channel: "general", pieces: Array.from({ length: count }, (_, number) => `q${number}`) },
];

function ask({ say, mention }: Scene, from: number, to: number): void {
  for (let number = from; number < to; number++) say("grace", "general", `${mention} q${number}`);
}

/** Asks, and waits for the answers to all questions so far. */
async function asks(scene: Scene, from: number, to: number): Promise<void> {
  ask(scene, from, to);
  await scene.until("the answers", () => accountOf(owed(to), scene.written).lost.length === 0);
}

describe("[O15] a failover of PostgreSQL to its replica", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  /** Plays a scene with a replica, and an address that leads to one of the two servers. */
  async function play(
    act: (
      scene: Scene,
      given: {
        readonly url: string;
        readonly follower: Awaited<ReturnType<Postgres["follower"]>>;
        readonly failOver: () => Promise<void>;
      },
    ) => Promise<void>,
  ): Promise<void> {
    const direct = server.create();
    await using follower = await server.follower();
    await using proxy = await startCutProxy(server.port);
    const url = direct.replace(`:${server.port}/`, `:${proxy.port}/`);
    async function failOver(): Promise<void> {
      await server.stop("SIGQUIT");
      await follower.start();
      follower.promote();
      proxy.turnTo(follower.port);
    }
    try {
      await withSimulation({ config: STORE, env: { STORE_URL: url }, mayRefuse }, async (scene) => {
        await act(scene, { url, follower, failOver });
      });
    } finally {
      await server.start();
    }
  }

  it("loses nothing if commits wait for the replica, and waits while there is none", async () => {
    await play(async (scene, { follower, failOver }) => {
      const alter = (statement: string) => server.sql(server.address(), statement);
      alter("ALTER SYSTEM SET synchronous_standby_names = '*'");
      alter("SELECT pg_reload_conf()");
      try {
        const bot = await scene.start();
        assert.equal(bot.lines.some((line) => WARNING.test(line)), false);
        await asks(scene, 0, 2);
        await follower.stop();
        ask(scene, 2, 4);
        await scene.eventually(
          "health to tell that no commit is confirmed",
          async () => (await scene.ask(bot, "/healthz")).status === 503,
        );
        assert.equal(accountOf(owed(4), scene.written).lost.length, 2);
        await follower.start();
        await asks(scene, 4, 5);
        await follower.stop();
        await failOver();
        await judge(scene, bot, owed(5)); // the same process: it has not found an older copy
      } finally {
        await server.start();
        alter("ALTER SYSTEM RESET synchronous_standby_names");
        alter("SELECT pg_reload_conf()");
        await server.stop();
      }
    });
  });

  it("without that, warns at the start; repeats only answers that the replica lacks", async () => {
    await play(async (scene, { url, follower, failOver }) => {
      const bot = await scene.start();
      await scene.line(bot, WARNING);
      const args = ["doctor", "--only", "host", "--json", "--config", scene.configFile];
      const ran = await scene.command([...args, "--data", scene.dataDir], {
        STORE_URL: url,
        DISCORD_API_URL: scene.simulator.apiUrl,
        DISCORD_BOT_TOKEN: "x",
      });
      assert.match(
        ran.stdout.join("\n"),
        /PostgreSQL has a replica, and no commit waits/,
      );
      await asks(scene, 0, 2);
      await follower.stop();
      await asks(scene, 2, 4);
      await killBot(bot); // and its data directory is not used again: its machine is lost, too
      await failOver();
      await using other = startSecondBot(scene, { env: { STORE_URL: url } });
      await scene.line(other, /This process owns the store/);
      await asks(scene, 4, 5);
      other.kill("SIGTERM");
      await ended(other);
      const { lost, doubled } = accountOf(owed(5), scene.written);
      assert.deepEqual(lost, []);
      assert.deepEqual(doubled.filter((piece) => piece !== "q2" && piece !== "q3"), []);
    });
  });
});
