/** Tests the files of a bot of two processes: in a bucket, and in a folder that both mount (O17). */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/cli/demo/simulation/simulation.ts";
import {
  ended,
  KILLED,
  PATIENCE_MS,
  type Scene,
  STOPPED,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { S3_BUCKET, S3_KEYS, type S3Server, startS3 } from "../../support/files/s3_server.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";
import { channelOf, dividedWorld } from "../../support/store/divided_world.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const OWNERS = { commands: { ownerAllowFrom: ["grace"] } };
const KEYS = { FILES_ID: S3_KEYS.accessKeyId, FILES_SECRET: S3_KEYS.secretAccessKey };

const inBucket = ({ endpoint }: Pick<S3Server, "endpoint">, over: object = {}) => ({
  url: `s3://${S3_BUCKET}/bot`,
  endpoint,
  accessKeyId: "${FILES_ID}",
  secretAccessKey: { env: "FILES_SECRET" },
  ...over,
});

const write = (path: string, text: string) => `call: write_file ${JSON.stringify({ path, text })}`;
const read = (path: string) => `call: read_file ${JSON.stringify({ path })}`;

/** Has a tool called, and returns the answer, which has its result. */
async function call(scene: Scene, words: string, place = "general"): Promise<string> {
  const { say, mention, until, written } = scene;
  const before = written(place).length;
  say("grace", place, `${mention}\n${words}`);
  await until("the answer", () => written(place).length > before, 2 * PATIENCE_MS);
  return written(place).at(-1) ?? "";
}

/** The row of `doctor` about the place of files. */
async function doctorRow({ cli }: Scene) {
  const { stdout } = await cli("doctor", "--only", "host", "--json");
  const { findings } = JSON.parse(stdout.join("\n"));
  const row = findings.find(({ id }: { readonly id: string }) => id === "host.files");
  return row && { status: row.status, why: row.why };
}

describe("[O17] files of a bot with two processes", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  /** Plays with an owner that is online, and a standby with a whole copy. */
  async function play(
    files: object,
    act: (scene: Scene, owner: SimulatedProcess, standby: SimulatedProcess) => Promise<void>,
  ): Promise<void> {
    const env = { STORE_URL: server.create(), ...KEYS };
    const config = { ...OWNERS, store: { url: "${STORE_URL}" }, files };
    const mayRefuse = ({ status }: { status?: number | undefined }) => status === 429;
    await withSimulation({ config, env, mayRefuse }, async (scene) => {
      const owner = await scene.start();
      await using standby = startSecondBot(scene, { env });
      await scene.line(standby, /Barnacle is standing by/);
      await scene.eventually("a whole copy", async () => {
        const { stdout } = await scene.command([
          "status",
          "--data",
          join(scene.dataDir, "elsewhere"),
        ]);
        return /^Healthy: standby/.test(stdout.join("\n"));
      });
      await act(scene, owner, standby);
    });
  }

  it("reads after a takeover what a tool has written to a bucket before it", async () => {
    await using s3 = await startS3();
    await play(inBucket(s3), async (scene, owner, standby) => {
      assert.match(await call(scene, write("notes/plan.md", "tea at five")), /Wrote 11 characters/);
      owner.kill("SIGKILL");
      assert.deepEqual(await ended(owner), KILLED);
      await scene.line(standby, /This process owns the store/);
      assert.match(await call(scene, read("notes/plan.md")), /tea at five/);
      assert.match(await call(scene, write("notes/plan.md", "tea at six")), /Wrote 10 characters/);
    });
    assert.deepEqual(s3.refused, []);
    const objects = [...s3.objects].filter(([key]) => key.includes("/blobs/"));
    assert.deepEqual(objects.map(([, bytes]) => bytes.toString()), ["tea at six"]);
  });

  it("has one workspace in all partitions, also after one of two processes is killed", async () => {
    await using s3 = await startS3();
    const env = { STORE_URL: server.create(), ...KEYS };
    const { world } = dividedWorld(2);
    const config = {
      ...OWNERS,
      channels: { discord: { guilds: { "*": {} }, dm: { allowFrom: ["ada"] } } },
      store: { url: "${STORE_URL}", partitions: 2 },
      shutdown: { graceSec: 2 },
      files: inBucket(s3),
    };
    await withSimulation({
      simulator: { world, identifyLimit: { maxConcurrency: 16 } },
      config,
      env,
      mayRefuse: ({ status }) => status === 429,
    }, async (scene) => {
      const start = (name: string) =>
        startSecondBot(scene, { env, name, lifeMs: 9 * PATIENCE_MS, isService: true });
      await using first = start("first");
      await scene.until("two shards", () => scene.simulator.connected() === 2, 2 * PATIENCE_MS);
      await using second = start("second");
      await scene.line(second, /This process owns the store in PostgreSQL/);
      assert.match(await call(scene, write("plan.md", "tea at five"), channelOf(0)), /Wrote 11/);
      assert.match(await call(scene, read("plan.md"), channelOf(1)), /tea at five/);
      assert.match(await call(scene, write("plan.md", "tea at six"), channelOf(1)), /Wrote 10/);
      first.kill("SIGKILL");
      assert.deepEqual(await ended(first), KILLED);
      assert.match(await call(scene, read("plan.md"), channelOf(0)), /tea at six/);
      assert.match(await call(scene, read("plan.md"), channelOf(1)), /tea at six/);
    });
    assert.deepEqual(s3.refused, []);
  });

  it("reads after a hand-over what a tool has written to a shared folder before it", async () => {
    using directory = tempDirectory();
    const url = `file://${directory.path}`;
    await play({ url }, async (scene, owner, standby) => {
      assert.match(await call(scene, write("plan.md", "tea at five")), /Wrote 11 characters/);
      owner.kill("SIGTERM");
      assert.deepEqual(await ended(owner), STOPPED);
      await scene.line(standby, /This process owns the store/);
      assert.match(await call(scene, read("plan.md")), /tea at five/);
      assert.equal(existsSync(join(directory.path, "agents", "main", "plan.md")), true);
      assert.equal(existsSync(join(scene.dataDir, "agents")), false);
    });
  });
});

describe("[O17] a bot with shared files", () => {
  it("says that the store is away, loses nothing, and goes on when it is back", async () => {
    await using s3 = await startS3();
    const config = { ...OWNERS, files: inBucket(s3) };
    await withSimulation({ config, env: KEYS }, async (scene) => {
      const bot = await scene.start();
      assert.match(await call(scene, write("a.md", "first")), /Wrote 5 characters\.$/m);
      s3.fault = () => ({ status: 503, code: "SlowDown" });
      assert.match((await doctorRow(scene))?.why ?? "", /SlowDown/);
      assert.match(
        await call(scene, write("b.md", "second")),
        /Wrote 6 characters\. The change is on this machine only, because the file store answers/,
      );
      assert.match(await call(scene, read("a.md")), /the workspace cannot be used now, because/);
      s3.fault = undefined;
      assert.match(await call(scene, read("b.md")), /second/);
      assert.deepEqual(await doctorRow(scene), { status: "pass", why: "it can be read" });
      const send = `call: send_file ${JSON.stringify({ text: "tides", name: "tides.txt" })}`;
      assert.match(await call(scene, send), /Attached file-/);
      const kept = [...s3.objects].filter(([key]) => key.startsWith("bot/media/"));
      assert.ok(kept.some(([, bytes]) => bytes.toString() === "tides"), "a kept file, too");
      const texts = [...s3.objects.values()].map(String);
      assert.ok(texts.includes("first") && texts.includes("second"));
      bot.kill("SIGTERM");
      assert.deepEqual(await ended(bot), STOPPED);
    });
  });

  it("starts without its store, and refuses its tools until that is there", async () => {
    const { endpoint, close } = await startS3();
    await close();
    const config = { ...OWNERS, files: inBucket({ endpoint }) };
    await withSimulation({ config, env: KEYS }, async (scene) => {
      const bot = await scene.start();
      await scene.line(bot, /The file store of files\.url is away/);
      assert.match(await call(scene, read("a.md")), /the file store does not answer/);
      await using _s3 = await startS3({ port: Number(new URL(endpoint).port) });
      assert.match(await call(scene, read("a.md")), /there is no file/);
    });
  });

  it("writes nothing into a shared folder that is no longer mounted", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "mount");
    mkdirSync(path);
    const config = { ...OWNERS, files: { url: `file://${path}` } };
    await withSimulation({ config }, async (scene) => {
      await scene.start();
      renameSync(path, join(directory.path, "away"));
      mkdirSync(path);
      assert.match(await call(scene, write("a.md", "x")), /mount it, or correct files\.url/);
      assert.equal(existsSync(join(path, "agents")), false);
      const { stderr } = await scene.cli("backup");
      assert.match(stderr.join("\n"), /the backup has none of them; back that folder up, too/);
      renameSync(path, join(directory.path, "empty"));
      renameSync(join(directory.path, "away"), path);
      assert.match(await call(scene, write("a.md", "x")), /Wrote 1 characters/);
    });
  });

  describe("does not start", () => {
    let s3: S3Server;
    before(async () => void (s3 = await startS3()));
    after(() => s3.close());
    const rows: readonly (readonly [string, () => object, number, RegExp])[] = [
      [
        "with wrong keys",
        () => inBucket(s3, { accessKeyId: "AKIDOTHER123" }),
        78,
        /cannot use files\.url: .*InvalidAccessKeyId.*; correct files\.accessKeyId/,
      ],
      [
        "without its bucket",
        () => inBucket(s3, { url: "s3://no-such-bucket" }),
        78,
        /cannot use files\.url: .*NoSuchBucket.*; create the bucket, or correct files\.url/,
      ],
      [
        "with a wrong region",
        () => inBucket(s3, { region: "eu-west-9" }),
        78,
        /cannot use files\.url: .*; correct files\.region/,
      ],
      [
        "without its folder",
        () => ({ url: "file:///no/such/folder" }),
        75,
        /cannot use files\.url: there is no folder \/no\/such\/folder; mount it, or correct/,
      ],
      ["with a place of another kind", () => ({ url: "ftp://x/y" }), 78, /write file:\/\/\/folder/],
    ];
    for (const [what, files, code, sentence] of rows) {
      it(what, async () => {
        await withSimulation({ config: { files: files() }, env: KEYS }, async (scene) => {
          const ran = await scene.cli("run");
          assert.equal(ran.code, code, ran.stderr.join("\n"));
          assert.match(ran.stderr.join("\n"), sentence);
        });
      });
    }

    const strange: readonly (readonly [string, Partial<S3Server>, RegExp])[] = [
      ["that replaces objects in spite of a condition", { knowsConditions: false }, /ignores If-M/],
      [
        "that no ETag of its own satisfies",
        { comparesEtags: "never" },
        /refuses a change by the ETag/,
      ],
    ];
    for (const [what, faults, sentence] of strange) {
      it(`with a store ${what}`, async () => {
        await using store = await startS3();
        Object.assign(store, faults);
        const config = { files: inBucket(store) };
        await withSimulation({ config, env: KEYS }, async (scene) => {
          const { code, stderr } = await scene.cli("run");
          assert.equal(code, 78);
          assert.match(stderr.join("\n"), sentence);
        });
        assert.equal(store.objects.size, 0);
      });
    }
  });
});
