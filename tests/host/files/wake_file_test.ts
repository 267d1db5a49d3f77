import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { watchWakeFile, writeWakeFile } from "../../../src/host/files/watch_path.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("[D1] the wake file", () => {
  it("notifies the listener at each ring, without growing", async () => {
    using directory = tempDirectory();
    let onRing = (): void => {};
    const stop = watchWakeFile(directory.path, () => onRing());
    assert.ok(stop);
    for (let ring = 0; ring < 3; ring++) {
      const { promise: heard, resolve } = Promise.withResolvers<void>();
      onRing = resolve;
      writeWakeFile(directory.path);
      await heard;
      await sleep(20); // Bun tells one event of two within a millisecond, and the bot looks twice
    }
    stop();
    assert.equal(statSync(join(directory.path, "doorbell")).size, 1);
  });

  it("does nothing and creates nothing if no bot has ever run", () => {
    using directory = tempDirectory();
    writeWakeFile(directory.path);
    assert.equal(existsSync(join(directory.path, "doorbell")), false);
  });

  it("does not wait for the other end of a pipe in its place", () => {
    using directory = tempDirectory();
    execFileSync("mkfifo", [join(directory.path, "doorbell")]);
    assert.equal(watchWakeFile(directory.path, () => {}), undefined);
    writeWakeFile(directory.path);
  });

  it("cannot listen in a missing directory", () => {
    using directory = tempDirectory();
    assert.equal(watchWakeFile(join(directory.path, "nothing"), () => {}), undefined);
  });
});
