import assert from "node:assert/strict";
import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { LOOK_MS, stateOf, watchPath } from "../../../src/host/files/watch_path.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** A watched file, with a count of reported changes. */
function setUp() {
  const folder = tempDirectory();
  const path = join(folder.path, "config.jsonc");
  writeFileSync(path, "{}");
  const clock = new FakeClock();
  const told = { times: 0 };
  const stop = watchPath([path], () => void told.times++, {
    schedule: clock.schedule,
    since: stateOf([path]),
  });
  return {
    path,
    folder,
    told,
    stop,
    look(times = 1) {
      for (let time = 0; time < times; time++) clock.advance(LOOK_MS);
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

describe("[C9] watchPath()", () => {
  it("reports nothing for an unchanged file", () => {
    using file = setUp();
    file.look(20);
    assert.equal(file.told.times, 0);
  });

  it("reports each change once, when the file has settled", () => {
    using file = setUp();
    writeFileSync(file.path, '{ "a": 1 }');
    file.look();
    assert.equal(file.told.times, 0);
    file.look();
    assert.equal(file.told.times, 1);
    file.look(10);
    assert.equal(file.told.times, 1);
  });

  it("waits for a file that is still being written", () => {
    using file = setUp();
    for (let length = 1; length < 10; length++) {
      writeFileSync(file.path, "x".repeat(length));
      file.look();
    }
    assert.equal(file.told.times, 0);
    file.look();
    assert.equal(file.told.times, 1);
  });

  it("notices a replaced file, as editors replace files", () => {
    using file = setUp();
    const next = join(file.folder.path, "next");
    writeFileSync(next, "[]"); // as long as the one before
    renameSync(next, file.path);
    file.look(2);
    assert.equal(file.told.times, 1);
  });

  it("notices a redirected link, as clusters swap configs", () => {
    using file = setUp();
    const other = join(file.folder.path, "other");
    writeFileSync(other, "[]");
    rmSync(file.path);
    symlinkSync(other, file.path);
    file.look(2);
    assert.equal(file.told.times, 1);
  });

  it("reports a removed file, and its return", () => {
    using file = setUp();
    rmSync(file.path);
    file.look(3);
    assert.equal(file.told.times, 1);
    writeFileSync(file.path, "{}");
    file.look(2);
    assert.equal(file.told.times, 2);
  });

  it("reports a change made after the file was read and before it was watched", () => {
    using file = setUp();
    const clock = new FakeClock();
    let times = 0;
    const since = stateOf([file.path]);
    writeFileSync(file.path, "{ }");
    watchPath([file.path], () => void times++, { schedule: clock.schedule, since });
    clock.advance(LOOK_MS);
    clock.advance(LOOK_MS);
    assert.equal(times, 1);
  });

  it("stops checking once stopped", () => {
    using file = setUp();
    file.stop();
    writeFileSync(file.path, "{ }");
    file.look(5);
    assert.equal(file.told.times, 0);
  });
});
