import assert from "node:assert/strict";
import {
  existsSync,
  linkSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { FOLDER_LIMITS } from "../../src/files/manifest.ts";
import { type S3Server, startS3 } from "../support/files/s3_server.ts";
import { tempDirectory } from "../support/temp_directory.ts";
import { type Machine, machineAt, MANIFEST } from "./support.ts";

/** Plays with two processes over one store. */
async function play(
  act: (one: Machine, two: Machine, s3: S3Server, home: string) => Promise<void>,
): Promise<void> {
  using directory = tempDirectory();
  await using s3 = await startS3();
  const [one, two] = ["one", "two"].map((name) => machineAt(s3, join(directory.path, name)));
  if (!one || !two) throw new Error("there are two");
  await act(one, two, s3, directory.path);
  assert.deepEqual(s3.refused, []);
}

describe("[O17] a synchronised folder", () => {
  it("brings files, changes and deletions to the other process", async () => {
    await play(async (one, two, s3) => {
      one.write("notes/plan.md", "first");
      one.write("bin/run", "#!");
      await one.folder.sync();
      await two.folder.sync();
      assert.deepEqual(two.files(), { "bin/run": "#!", "notes/plan.md": "first" });
      two.write("notes/plan.md", "second");
      two.remove("bin");
      await two.folder.sync();
      await one.folder.sync();
      assert.deepEqual(one.files(), { "notes/plan.md": "second" });
      assert.equal(existsSync(join(one.root, "bin")), false, "the empty folder goes, too");
      const blobs = [...s3.objects.keys()].filter((key) => key.includes("/blobs/"));
      assert.equal(blobs.length, 1, "contents that no manifest names are deleted");
    });
  });

  it("asks once, and sends nothing, if nothing has changed", async () => {
    await play(async (one, _two, s3) => {
      one.write("a", "1");
      await one.folder.sync();
      s3.requests.length = 0;
      await one.folder.sync();
      assert.deepEqual(s3.requests, [`GET ${MANIFEST}`]);
      one.restart();
      await one.folder.sync();
      assert.deepEqual(s3.requests, [`GET ${MANIFEST}`, `GET ${MANIFEST}`]);
    });
  });

  it("keeps the right to run a file", { skip: process.platform === "win32" }, async () => {
    await play(async (one, two) => {
      one.write("run.sh", "#!");
      await one.folder.sync();
      const { chmodSync } = await import("node:fs");
      chmodSync(join(one.root, "run.sh"), 0o700);
      await one.folder.sync();
      await two.folder.sync();
      assert.equal(statSync(join(two.root, "run.sh")).mode & 0o777, 0o700);
    });
  });

  it("keeps both versions of a file that two processes changed, and tells them", async () => {
    await play(async (one, two) => {
      one.write("plan.md", "old");
      await one.folder.sync();
      await two.folder.sync();
      one.write("plan.md", "of one");
      two.write("plan.md", "of two");
      await one.folder.sync();
      const { conflicts } = await two.folder.sync();
      const [{ path, beside } = { path: "", beside: "" }] = conflicts;
      assert.equal(path, "plan.md");
      await one.folder.sync();
      assert.deepEqual([one.read(path), one.read(beside)].sort(), ["of one", "of two"]);
      assert.deepEqual(one.files(), two.files());
    });
  });

  it("takes a folder that was deleted as a whole for a new one", async () => {
    await play(async (one, two) => {
      one.write("a", "1");
      await one.folder.sync();
      rmSync(one.root, { recursive: true });
      one.restart();
      await one.folder.sync();
      assert.deepEqual(one.files(), { a: "1" });
      rmSync(one.root, { recursive: true });
      await one.folder.sync();
      await two.folder.sync();
      assert.deepEqual(two.files(), { a: "1" });
    });
  });

  it("gets the folder again if it died between the first file and the last", async () => {
    await play(async (one, two, s3, home) => {
      one.write("a", "1");
      one.write("b", "2");
      await one.folder.sync();
      await two.folder.sync();
      rmSync(two.root, { recursive: true });
      let gets = 0;
      s3.fault = ({ method, key }) =>
        method === "GET" && key.includes("/blobs/") && ++gets > 1 ? "cut" : undefined;
      const again = machineAt(s3, join(home, "two"));
      await assert.rejects(again.folder.sync(), /does not answer/);
      s3.fault = undefined;
      again.restart();
      await again.folder.sync();
      assert.deepEqual(again.files(), { a: "1", b: "2" });
    });
  });

  it("leaves links, hard links and files that are too large on their machine, and says so", {
    skip: process.platform === "win32",
  }, async () => {
    await play(async (one, two, _s3, home) => {
      one.write("a", "1");
      writeFileSync(join(home, "secret"), "token");
      symlinkSync(join(home, "secret"), join(one.root, "link"));
      symlinkSync(home, join(one.root, "folder"));
      one.write("hard", "x");
      linkSync(join(one.root, "hard"), join(home, "other"));
      one.write("large", "");
      truncateSync(join(one.root, "large"), 33 * 2 ** 20);
      one.write("what?", "x");
      const { left } = await one.folder.sync();
      assert.deepEqual(left, [
        "folder (a link)",
        "hard (a hard link)",
        "large (too large)",
        "link (a link)",
        "what? (a name that tools cannot use)",
      ]);
      await two.folder.sync();
      assert.deepEqual(two.files(), { a: "1" });
    });
  });

  it("takes no file for deleted that it cannot send", {
    skip: process.platform === "win32",
  }, () =>
    play(async (one, two, _, home) => {
      const paths = ["a.md", "b.md", "c/d.md"];
      for (const path of paths) one.write(path, `text of ${path}`);
      await one.folder.sync();
      await two.folder.sync();

      linkSync(join(one.root, "a.md"), join(home, "other name"));
      truncateSync(join(one.root, "b.md"), FOLDER_LIMITS.fileBytes + 1);
      rmSync(join(one.root, "c"), { recursive: true });
      symlinkSync(home, join(one.root, "c"));
      await one.folder.sync();
      await two.folder.sync();
      const texts = paths.map((path) => [path, `text of ${path}`]);
      assert.deepEqual(two.files(), Object.fromEntries(texts));
    }));

  it("writes a manifest anew that the store has lost, and deletes nothing", () =>
    play(async (one, two, s3) => {
      one.write("a.md", "text");
      await one.folder.sync();
      await two.folder.sync();
      s3.objects.clear();
      await two.folder.sync();
      await one.folder.sync();
      assert.deepEqual([one.files(), two.files()], [{ "a.md": "text" }, { "a.md": "text" }]);
    }));

  it("writes through no link that a command has made", {
    skip: process.platform === "win32",
  }, async () => {
    await play(async (one, two, _s3, home) => {
      mkdirSync(join(home, "outside"));
      writeFileSync(join(home, "outside", "keep"), "mine");
      one.write("notes/a", "1");
      one.write("notes/keep", "theirs");
      one.write("notes/deep/c", "3");
      await one.folder.sync();
      mkdirSync(two.root, { recursive: true });
      symlinkSync(join(home, "outside"), join(two.root, "notes"));
      await two.folder.sync();
      assert.equal(existsSync(join(home, "outside", "a")), false);
      assert.equal(existsSync(join(home, "outside", "deep")), false);
      rmSync(join(two.root, "notes"));
      await two.folder.sync();
      assert.deepEqual(two.files(), {
        "notes/a": "1",
        "notes/deep/c": "3",
        "notes/keep": "theirs",
      });
      one.remove("notes");
      await one.folder.sync();
      rmSync(join(two.root, "notes"), { recursive: true });
      symlinkSync(join(home, "outside"), join(two.root, "notes"));
      await two.folder.sync();
      assert.equal(existsSync(join(home, "outside", "keep")), true);
    });
  });

  it("deletes nothing while a command runs in it", async () => {
    await play(async (one, two) => {
      one.write("a", "1");
      await one.folder.sync();
      await two.folder.sync();
      one.remove("a");
      await one.folder.sync();
      two.isBusy = true;
      await two.folder.sync();
      assert.deepEqual(two.files(), { a: "1" });
      two.isBusy = false;
      await two.folder.sync();
      assert.deepEqual(two.files(), {});
      await one.folder.sync();
      assert.deepEqual(one.files(), {});
    });
  });

  it("loses nothing while the store is away, and goes on when it is back", async () => {
    await play(async (one, two, s3) => {
      s3.fault = () => "cut";
      one.write("a", "1");
      await assert.rejects(one.folder.sync(), /the file store does not answer/);
      one.restart();
      s3.fault = undefined;
      await one.folder.sync();
      await two.folder.sync();
      assert.deepEqual(two.files(), { a: "1" });
    });
  });

  it("publishes no file whose upload broke off", async () => {
    await play(async (one, two, s3) => {
      one.write("a", "1");
      await one.folder.sync();
      one.write("a", "2");
      one.write("b", "3");
      let puts = 0;
      s3.fault = ({ method }) => method === "PUT" && ++puts > 1 ? { status: 500 } : undefined;
      await assert.rejects(one.folder.sync(), /\(?500/);
      s3.fault = undefined;
      await two.folder.sync();
      assert.deepEqual(two.files(), { a: "1" }, "no half of a change");
      await one.folder.sync();
      await two.folder.sync();
      assert.deepEqual(two.files(), { a: "2", b: "3" });
    });
  });

  it("replaces no file by one that is damaged in the store", async () => {
    await play(async (one, two, s3) => {
      one.write("a", "1");
      await one.folder.sync();
      for (const key of s3.objects.keys()) {
        if (key.includes("/blobs/")) s3.objects.set(key, Buffer.from("2"));
      }
      await assert.rejects(two.folder.sync(), /damaged in the file store/);
      assert.deepEqual(two.files(), {});
    });
  });

  it("sweeps objects that no manifest names, once they are old", async () => {
    await play(async (one, _two, s3, home) => {
      one.write("a", "1");
      await one.folder.sync();
      s3.objects.set(`bot/agents/main/blobs/${"0".repeat(32)}`, Buffer.from("lost"));
      await one.folder.sweep();
      assert.equal(s3.objects.size, 2, "its time is 1970");
      one.write("b", "2");
      await one.folder.sync();
      s3.objects.set(
        MANIFEST.replace("manifest.json", `blobs/${"1".repeat(32)}`),
        Buffer.from("x"),
      );
      const tomorrow = machineAt(s3, join(home, "one"), {
        now: () => Date.now() + 25 * 60 * 60 * 1_000,
      });
      await tomorrow.folder.sweep();
      await tomorrow.folder.sync();
      assert.deepEqual(tomorrow.files(), { a: "1", b: "2" });
      assert.equal(s3.objects.size, 3);
    });
  });
});
