import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { MessageId, Snowflake, UserId } from "../../src/core/discord/ids.ts";
import {
  assertMounted,
  checkFolder,
  forgetKept,
  forgetWaiting,
  mediaRootIn,
  recordPlace,
  writeMark,
} from "../../src/files/place_record.ts";
import { createMediaFolder } from "../../src/media/folder.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const GRACE = "810000000000000001" as UserId;

/** Plays with a data directory, another one, and a folder that both mount. */
async function play(
  act: (dataDir: string, other: string, shared: string, url: string) => Promise<void>,
): Promise<void> {
  using directory = tempDirectory();
  const [data, other, shared] = ["data", "other", "shared"].map((name) => {
    const path = join(directory.path, name);
    mkdirSync(path);
    return path;
  });
  if (data === undefined || other === undefined || shared === undefined) throw new Error("three");
  await act(data, other, shared, `file://${shared}`);
}

async function keep(root: string): Promise<void> {
  await createMediaFolder(root).keep(
    {
      messageId: "1300000000000000001" as MessageId,
      authorId: GRACE,
      fileId: "1" as Snowflake<"attachment">,
    },
    "png",
    new Uint8Array(1),
  );
}

const isAway = { name: "FilesFolderError", isAway: true };

describe("[O17] a shared folder", () => {
  it("is marked at the first start, and known by each process from then on", async () => {
    await play(async (data, other, shared, url) => {
      checkFolder(url, data);
      checkFolder(url, other);
      checkFolder(url, data);
      assert.deepEqual(readdirSync(shared), ["barnacle-files.json"]);
      await assertMounted(shared);
      assert.equal(mediaRootIn(data), join(shared, "media"));
    });
  });

  it("is refused if it has lost its mark, or has that of another bot", async () => {
    await play(async (data, other, shared, url) => {
      checkFolder(url, data);
      const mark = join(shared, "barnacle-files.json");
      rmSync(mark);
      assert.throws(() => checkFolder(url, data), isAway);
      await assert.rejects(assertMounted(shared), isAway);
      checkFolder(url, other); // marks it anew
      assert.throws(() => checkFolder(url, data), isAway);
      recordPlace(data, undefined); // the operator wants another one
      checkFolder(url, data);
    });
  });

  it("is marked once if two processes find no mark at the same time", async () => {
    await play(async (data, other, shared, url) => {
      const mark = join(shared, "barnacle-files.json");
      writeMark(mark);
      const first = readFileSync(mark, "utf8");
      writeMark(mark); // it has found none, too
      assert.equal(readFileSync(mark, "utf8"), first);
      for (const home of [data, other, data, other]) checkFolder(url, home);
      assert.deepEqual(readdirSync(shared), ["barnacle-files.json"]);
      await Promise.resolve();
    });
  });

  it("keeps a mark that cannot be read now", async () => {
    await play(async (data, other, shared, url) => {
      checkFolder(url, data);
      const mark = join(shared, "barnacle-files.json");
      const written = readFileSync(mark, "utf8");
      writeFileSync(mark, "{");
      const refused = {
        ...isAway,
        message: /^cannot read .*barnacle-files\.json \(.+\); try again/,
      };
      for (const home of [data, other]) assert.throws(() => checkFolder(url, home), refused);
      assert.equal(readFileSync(mark, "utf8"), "{");
      rmSync(mark);
      mkdirSync(mark); // as any other failure of the disk
      assert.throws(() => checkFolder(url, other, true), refused);
      rmSync(mark, { recursive: true });
      writeFileSync(mark, written);
      for (const home of [data, other]) checkFolder(url, home);
      await Promise.resolve();
    });
  });

  it("is looked at without a change by doctor", async () => {
    await play(async (data, _other, shared, url) => {
      checkFolder(url, data, true);
      assert.deepEqual(readdirSync(shared), []);
      assert.throws(
        () => checkFolder(`${url}/none`, data, true),
        /there is no folder .*; mount it/,
      );
      await Promise.resolve();
    });
  });

  it("forgets a person, also one who was forgotten while it was not mounted", async () => {
    await play(async (data, _other, shared, url) => {
      checkFolder(url, data);
      await keep(join(shared, "media"));
      renameSync(shared, `${shared}.away`);
      await forgetKept(data, GRACE);
      await forgetWaiting(data, shared);
      renameSync(`${shared}.away`, shared);
      assert.equal(readdirSync(join(shared, "media")).length, 1);
      await forgetWaiting(data, shared);
      assert.deepEqual(readdirSync(join(shared, "media")), []);
      assert.deepEqual(readdirSync(join(data, "files", "forget")), []);
    });
  });
});

describe("[O17] forgetKept()", () => {
  it("deletes files of the data directory, and leaves a mark for those of a bucket", async () => {
    await play(async (data) => {
      await keep(join(data, "media"));
      await forgetKept(data, GRACE);
      assert.deepEqual(readdirSync(join(data, "media")), []);
      assert.equal(existsSync(join(data, "files")), false);
      recordPlace(data, { url: "s3://bucket/bot" });
      await keep(join(data, "media"));
      await forgetKept(data, GRACE);
      assert.deepEqual(readdirSync(join(data, "media")), []);
      assert.deepEqual(readdirSync(join(data, "files", "forget")), [GRACE]);
    });
  });
});
