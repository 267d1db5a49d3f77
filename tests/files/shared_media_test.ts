import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { MessageId, Snowflake, UserId } from "../../src/core/discord/ids.ts";
import { adoptKept, createSharedMedia, type SharedMedia } from "../../src/files/shared_media.ts";
import { schedule } from "../../src/lib/clock.ts";
import { createMediaFolder } from "../../src/media/folder.ts";
import type { ObjectStore } from "../../src/files/bucket.ts";
import { type S3Server, startS3 } from "../support/files/s3_server.ts";
import { type LogLine, recordingLog } from "../support/recording_log.ts";
import { settle } from "../support/settle.ts";
import { tempDirectory } from "../support/temp_directory.ts";
import { bucketAt } from "./support.ts";

const MESSAGE = "1300000000000000001" as MessageId;
/** Of the year 2040. */
const FUTURE = `${BigInt(Date.UTC(2040) - 1_420_070_400_000) << 22n}` as MessageId;
const OLD = "1000000000000000001" as MessageId;
const GRACE = "810000000000000001" as UserId;
const ADA = "810000000000000002" as UserId;
const file = (id: string, authorId = GRACE, messageId = MESSAGE) => ({
  messageId,
  authorId,
  fileId: id as Snowflake<"attachment">,
});
const bytes = (text: string) => new TextEncoder().encode(text);
const keyOf = (id: string, authorId = GRACE, messageId = MESSAGE) =>
  `bot/media/${messageId}/${authorId}-${id}.png`;

interface Home {
  readonly root: string;
  readonly folder: string;
  readonly lines: readonly LogLine[];
  media: SharedMedia;
  /** Part of the usual time that a turn waits; long, unless a test is about that wait. */
  patience: number;
  /** Holds back the next `get` or `put`, or the next page of a list that the store has sent. */
  hold(kind: "list" | "get" | "put"): Held;
  /** Moves its clock. */
  later(ms: number): void;
  restart(): void;
}

interface Held {
  /** Resolves once it is held. */
  readonly reached: Promise<void>;
  release(): void;
}

async function play(act: (one: Home, two: Home, s3: S3Server) => Promise<void>): Promise<void> {
  using directory = tempDirectory();
  await using s3 = await startS3();
  const homes = ["one", "two"].map((name): Home => {
    const [root, folder] = ["media", "files"].map((part) => join(directory.path, name, part));
    if (root === undefined || folder === undefined) throw new Error("both are named");
    let passed = 0;
    const { log, lines } = recordingLog();
    const held = new Map<string, { reach: () => void; released: Promise<void> }>();
    async function pass(kind: string): Promise<void> {
      const gate = held.get(kind);
      held.delete(kind);
      gate?.reach();
      await gate?.released;
    }
    const real = bucketAt(s3);
    const bucket: ObjectStore = {
      ...real,
      async get(...asked) {
        await pass("get");
        return await real.get(...asked);
      },
      async put(...asked) {
        await pass("put");
        return await real.put(...asked);
      },
      async *list(...asked) {
        for await (const page of real.list(...asked)) {
          await pass("list");
          yield page;
        }
      },
    };
    const create = () =>
      createSharedMedia({
        root,
        folder,
        bucket,
        now: () => Date.now() + passed,
        schedule: (run, ms) => schedule(run, ms * home.patience),
        log,
      });
    const home: Home = {
      root,
      folder,
      lines,
      patience: 20,
      hold(kind) {
        const [reached, released] = [
          Promise.withResolvers<void>(),
          Promise.withResolvers<void>(),
        ];
        held.set(kind, { reach: reached.resolve, released: released.promise });
        return { reached: reached.promise, release: released.resolve };
      },
      media: create(),
      later: (ms: number) => void (passed += ms),
      restart: () => void (home.media = create()),
    };
    return home;
  });
  const [one, two] = homes;
  if (!one || !two) throw new Error("there are two");
  await act(one, two, s3);
  assert.deepEqual(s3.refused, []);
}

async function readAll({ media }: Home, messageId = MESSAGE): Promise<readonly string[]> {
  const found = await media.list(messageId);
  const read = await Promise.all(found.map((one) => media.read(one, 1_000)));
  return read.map((one) => one ? new TextDecoder().decode(one) : "gone").sort();
}

describe("[O17] kept files in a bucket", () => {
  it("are there for the process that takes over", async () => {
    await play(async (one, two, s3) => {
      await one.media.keep(file("1"), "png", bytes("a"));
      await one.media.keep(file("2"), "png", bytes("b"));
      assert.deepEqual(await readAll(two), ["a", "b"]);
      const asked = s3.requests.length;
      assert.deepEqual(await readAll(two), ["a", "b"]);
      assert.equal(s3.requests.length, asked, "they are here now");
      await one.media.keep(file("3"), "png", bytes("c"));
      assert.deepEqual(await readAll(two), ["a", "b"], "only a takeover brings more");
      two.media.renew();
      assert.deepEqual(await readAll(two), ["a", "b", "c"]);
    });
  });

  it("cost no request for messages without files", async () => {
    await play(async (one, _two, s3) => {
      await one.media.list(MESSAGE);
      const asked = s3.requests.length;
      for (let id = 1; id < 20; id++) await one.media.list(`13000000000000000${id}` as MessageId);
      assert.equal(s3.requests.length, asked);
    });
  });

  it("wait on the disk while the store is away, also through a restart", async () => {
    await play(async (one, two, s3) => {
      s3.fault = () => "cut";
      await one.media.keep(file("1"), "png", bytes("a"));
      assert.deepEqual(await readAll(one), ["a"]);
      assert.equal(s3.objects.size, 0);
      s3.fault = undefined;
      one.restart();
      assert.deepEqual(await readAll(one), ["a"], "it was not taken for a forgotten one");
      await one.media.catchUp();
      assert.deepEqual(await readAll(two), ["a"]);
      assert.deepEqual(readdirSync(join(one.folder, "pending")), []);
    });
  });

  it("do not delay a turn again and again while the store is away", async () => {
    await play(async (one, _two, s3) => {
      s3.fault = () => "cut";
      for (let id = 1; id < 5; id++) await one.media.list(`130000000000000000${id}` as MessageId);
      assert.equal(s3.requests.length, 2, "one look, which is repeated once");
      s3.fault = undefined;
      one.later(20_000);
      await one.media.list(MESSAGE);
      assert.equal(s3.requests.length, 3);
    });
  });

  it("keep no turn waiting for a store that says nothing", async () => {
    await play(async (one, two, s3) => {
      one.patience = 0.01;
      s3.fault = () => "silent";
      await one.media.keep(file("1"), "png", bytes("a"));
      assert.deepEqual(await one.media.list(OLD), []);
      // Both calls have ended; their requests may not even have arrived yet.
      while (new Set(s3.requests).size < 2) await settle();
      s3.fault = undefined;
      one.later(20_000);
      await one.media.catchUp();
      two.media.renew();
      assert.deepEqual(await readAll(two), ["a"]);
    });
  });

  it("stay if they are kept while the process lists them", async () => {
    await play(async (one) => {
      const held = one.hold("list");
      const listing = one.media.list(OLD);
      await held.reached;
      await one.media.keep(file("1"), "png", bytes("a"));
      held.release();
      await listing;
      assert.deepEqual(await readAll(one), ["a"]);
      rmSync(join(one.root, MESSAGE), { recursive: true });
      assert.deepEqual(await readAll(one), ["a"], "the list has it, too");
    });
  });

  it("are found if a takeover comes while the process lists them", async () => {
    await play(async (one, two) => {
      const held = one.hold("list");
      const listing = one.media.list(OLD);
      await held.reached;
      await two.media.keep(file("1"), "png", bytes("a"));
      one.media.renew();
      held.release();
      await listing;
      assert.deepEqual(await readAll(one), ["a"]);
    });
  });

  it("stay here if they are more than a list has", async () => {
    await play(async (one, _two, s3) => {
      await one.media.keep(file("1", GRACE, FUTURE), "png", bytes("a"));
      for (let id = 100; id < 300; id++) s3.objects.set(keyOf(`${id}`), Buffer.from("x"));
      s3.page = 1;
      one.restart();
      assert.deepEqual(await readAll(one, FUTURE), ["a"]);
    });
  });

  it("are left to Discord if the store does not send them in time", async () => {
    await play(async (one, two) => {
      await two.media.keep(file("1"), "png", bytes("a"));
      const found = await one.media.list(MESSAGE);
      const held = one.hold("get");
      one.patience = 0;
      const read = await Promise.all(found.map((kept) => one.media.read(kept, 1_000)));
      assert.deepEqual(read, [undefined]);
      held.release();
    });
  });

  it("are read if another one is too large for its reader", async () => {
    await play(async (one, two) => {
      await two.media.keep(file("1"), "png", new Uint8Array(2_000));
      await two.media.keep(file("2"), "png", bytes("b"));
      const found = await one.media.list(MESSAGE);
      const texts: string[] = [];
      for (const kept of found) {
        const read = await one.media.read(kept, 1_000);
        texts.push(read ? new TextDecoder().decode(read) : "too large");
      }
      assert.deepEqual(texts, ["too large", "b"]);
      assert.deepEqual(one.lines, []);
    });
  });

  it("hold back no other file if the store refuses one", async () => {
    await play(async (one, two, s3) => {
      s3.fault = () => "cut";
      await one.media.keep(file("1"), "png", bytes("refused"));
      await one.media.keep(file("2"), "png", bytes("fine"));
      assert.equal(one.media.problem(), "the file store does not answer");
      s3.fault = ({ key }) =>
        key === keyOf("1") ? { status: 413, code: "EntityTooLarge" } : undefined;
      for (let look = 0; look < 3; look++) {
        one.later(20_000);
        await one.media.catchUp();
      }
      assert.deepEqual([...s3.objects.keys()], [keyOf("2")]);
      assert.match(one.media.problem() ?? "", /EntityTooLarge \(413\)/);
      const told = one.lines.filter(({ event }) => /refuses a change of kept files/.test(event));
      assert.equal(told.length, 1);
      await one.media.keep(file("3"), "png", bytes("later"));
      assert.deepEqual(await readAll(two), ["fine", "later"]);
      s3.fault = undefined;
      await one.media.catchUp();
      assert.equal(one.media.problem(), undefined);
      assert.equal(s3.objects.size, 3);
    });
  });

  it("are sent although the store refuses to delete others", async () => {
    await play(async (one, _two, s3) => {
      await one.media.keep(file("1"), "png", bytes("of grace"));
      s3.fault = ({ method }) =>
        method === "DELETE" ? { status: 403, code: "AccessDenied" } : undefined;
      await one.media.forget(GRACE);
      await one.media.keep(file("2", ADA), "png", bytes("of ada"));
      assert.deepEqual([...s3.objects.keys()], [keyOf("1"), keyOf("2", ADA)]);
      assert.match(one.media.problem() ?? "", /AccessDenied/);
      s3.fault = undefined;
      await one.media.catchUp();
      assert.deepEqual([...s3.objects.keys()], [keyOf("2", ADA)]);
      assert.equal(one.media.problem(), undefined);
    });
  });

  it("go everywhere if their author is forgotten, and others stay", async () => {
    await play(async (one, two, s3) => {
      await one.media.keep(file("1"), "png", bytes("of grace"));
      await one.media.keep(file("2", ADA), "png", bytes("of ada"));
      assert.deepEqual(await readAll(two), ["of ada", "of grace"]);
      s3.fault = () => ({ status: 503 });
      await one.media.forget(GRACE);
      s3.fault = undefined;
      assert.equal(s3.objects.size, 2, "the store was away");
      one.restart();
      await one.media.catchUp();
      assert.deepEqual([...s3.objects.keys()], [keyOf("2", ADA)]);
      two.restart();
      assert.deepEqual(await readAll(two), ["of ada"]);
      assert.deepEqual(readdirSync(join(two.root, MESSAGE)).length, 1);
    });
  });

  it("stay if they were kept after their author was forgotten", async () => {
    await play(async (one, _two, s3) => {
      await one.media.keep(file("1"), "png", bytes("before"));
      s3.fault = () => ({ status: 503 });
      await one.media.forget(GRACE);
      s3.fault = undefined;
      one.later(20_000);
      await one.media.keep(file("2", GRACE, FUTURE), "png", bytes("after"));
      await one.media.catchUp();
      assert.deepEqual([...s3.objects.keys()], [keyOf("2", GRACE, FUTURE)]);
    });
  });

  it("go if their author is forgotten while one is on its way", async () => {
    await play(async (one, two, s3) => {
      one.patience = 0; // the turn ends before the store has answered
      const held = one.hold("put");
      await one.media.keep(file("1"), "png", bytes("a"));
      await held.reached;
      const forgotten = one.media.forget(GRACE);
      while (!existsSync(join(one.folder, "forget", GRACE))) await two.media.list(MESSAGE);
      for (let look = 0; look < 5; look++, two.media.renew()) await two.media.list(MESSAGE);
      held.release();
      while (!s3.requests.some((asked) => asked.startsWith("PUT"))) await two.media.prune(0, 0);
      await forgotten;
      assert.deepEqual([...s3.objects.keys()], []);
      assert.deepEqual(readdirSync(join(one.folder, "forget")), []);
    });
  });

  it("leave time for other work while many of them wait", async () => {
    await play(async (one, _two, s3) => {
      s3.fault = () => "cut";
      for (let id = 1; id <= 5; id++) await one.media.keep(file(`${id}`), "png", bytes("a"));
      s3.fault = () => void one.later(3_000);
      one.later(20_000);
      await one.media.catchUp();
      assert.equal(s3.objects.size, 2, "another one would begin after five seconds");
      await one.media.catchUp();
      await one.media.catchUp();
      assert.equal(s3.objects.size, 5);
    });
  });

  it("are deleted with their age", async () => {
    await play(async (one, _two, s3) => {
      await one.media.keep(file("1", GRACE, OLD), "png", bytes("old"));
      await one.media.keep(file("2"), "png", bytes("new"));
      await one.media.prune(Date.UTC(2024, 10, 1), 30);
      assert.deepEqual([...s3.objects.keys()], [keyOf("2")]);
      assert.equal(existsSync(join(one.root, OLD)), false);
    });
  });

  it("are sent if they were kept before there was a bucket", async () => {
    await play(async (one, two) => {
      await createMediaFolder(one.root).keep(file("1"), "png", bytes("a"));
      await adoptKept(one.root, one.folder);
      assert.deepEqual(await readAll(one), ["a"]);
      await one.media.catchUp();
      assert.deepEqual(await readAll(two), ["a"]);
    });
  });

  it("have no path from a hostile key, and no size beyond the reader's limit", async () => {
    await play(async (one, _two, s3) => {
      for (
        const key of [
          `bot/media/${MESSAGE}/../../../etc/passwd`,
          `bot/media/${MESSAGE}/1-2.png/x`,
          `bot/media/${MESSAGE}/x-y.png`,
          `bot/media/../1-2.png`,
          `bot/media/${"9".repeat(20)}/1-2.png`,
          `bot/media/${MESSAGE}/1-2.verylongending`,
        ]
      ) s3.objects.set(key, Buffer.from("x"));
      s3.objects.set(keyOf("7"), Buffer.alloc(2_000));
      assert.deepEqual(await readAll(one), ["gone"]);
      assert.equal(existsSync(join(one.root, "..", "etc")), false);
    });
  });

  it("leave notes of another form alone only until the next look", async () => {
    await play(async (one) => {
      await one.media.keep(file("1"), "png", bytes("a"));
      writeFileSync(join(one.folder, "pending", "odd"), "");
      await one.media.catchUp();
      assert.deepEqual(readdirSync(join(one.folder, "pending")), []);
    });
  });
});
