import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  fileEvents,
  POLL_ONLY_MS,
  SETTLE_MS,
  SLOW_POLL_MS,
  stateOf,
  watchPath,
} from "../../../src/host/files/watch_path.ts";
import { schedule, type StartTimer } from "../../../src/lib/clock.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/**
 * A watched file, with a count of reported changes.
 *
 * @param isBlind Whether the kernel reports nothing.
 */
function setUp(isBlind = false) {
  const folder = tempDirectory();
  const path = join(folder.path, "config.jsonc");
  writeFileSync(path, "{}");
  const clock = new FakeClock();
  const told = { times: 0 };
  /** Asked for by the last that listens. */
  let onEvent: (() => void) | undefined;
  const stop = watchPath(path, () => void told.times++, {
    schedule: clock.schedule,
    since: stateOf(path),
    events(_, listener) {
      if (isBlind) return undefined;
      onEvent = listener;
      return () => onEvent = undefined;
    },
  });
  return {
    path,
    folder,
    told,
    stop,
    clock,
    isHeard: () => onEvent !== undefined,
    /** The kernel reports an event, and this much time passes. */
    look(times = 1) {
      onEvent?.();
      for (let time = 0; time < times; time++) clock.advance(SETTLE_MS);
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
    const since = stateOf(file.path);
    writeFileSync(file.path, "{ }");
    const events = () => () => {};
    watchPath(file.path, () => void times++, { schedule: clock.schedule, since, events });
    clock.advance(2 * SETTLE_MS);
    assert.equal(times, 1);
  });

  it("stops checking once stopped", () => {
    using file = setUp();
    file.stop();
    writeFileSync(file.path, "{ }");
    file.look(5);
    assert.equal(file.told.times, 0);
  });

  it("renews the kernel's watch once the file has settled, because it may have been replaced", () => {
    using file = setUp();
    assert.ok(file.isHeard());
    writeFileSync(file.path, "{ }");
    file.look();
    assert.ok(!file.isHeard());
    file.look();
    assert.ok(file.isHeard());
  });

  for (const [isBlind, everyMs] of [[false, SLOW_POLL_MS], [true, POLL_ONLY_MS]] as const) {
    it(`checks every ${everyMs} ms if the kernel reports ${isBlind ? "nothing" : "of events"}`, () => {
      using file = setUp(isBlind);
      writeFileSync(file.path, "{ }");
      file.clock.advance(everyMs - 1);
      assert.equal(file.told.times, 0);
      file.clock.advance(1 + SETTLE_MS);
      assert.equal(file.told.times, 1);
    });
  }
});

/** Milliseconds within which the kernel reports a change, however busy the machine is. */
const PATIENCE_MS = 120_000;

describe("[C9] fileEvents()", () => {
  /** Waits for a reported change, and returns it. */
  async function isTold(
    change: (path: string, folder: string) => void,
    prepare: (path: string, folder: string) => void = (path) => writeFileSync(path, "{}"),
  ): Promise<void> {
    using folder = tempDirectory();
    const path = join(folder.path, "config.jsonc");
    prepare(path, folder.path);
    const { promise: told, resolve } = Promise.withResolvers<void>();
    const withoutPoll: StartTimer = (run, ms) => ms === SETTLE_MS ? schedule(run, ms) : () => {};
    const stop = watchPath(path, resolve, { schedule: withoutPoll, since: stateOf(path) });
    change(path, folder.path);
    await Promise.race([
      told,
      sleep(PATIENCE_MS, undefined, { ref: false }).then(() => assert.fail("not told")),
    ]);
    stop();
  }

  it("reports a written file", () => isTold((path) => writeFileSync(path, "{ }")));

  it("reports a replaced file", () =>
    isTold((path) => {
      writeFileSync(`${path}.new`, "[]");
      renameSync(`${path}.new`, path);
    }));

  it("reports a removed file", () => isTold((path) => rmSync(path)));

  it("reports a link to another directory, as clusters swap configs", () =>
    isTold(
      (_, folder) => {
        symlinkSync("two", join(folder, "..next"));
        renameSync(join(folder, "..next"), join(folder, "..data"));
      },
      (path, folder) => {
        for (const name of ["one", "two"]) {
          mkdirSync(join(folder, name));
          writeFileSync(join(folder, name, "config.jsonc"), name);
        }
        symlinkSync("one", join(folder, "..data"));
        symlinkSync(join("..data", "config.jsonc"), path);
      },
    ));

  it("reports nothing for a missing file", () => {
    using folder = tempDirectory();
    assert.equal(fileEvents(join(folder.path, "nothing"), () => {}), undefined);
  });

  it("ignores the files beside it", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "config.jsonc");
    writeFileSync(path, "{}");
    let events = 0;
    const stop = fileEvents(path, () => void events++);
    await sleep(100); // an earlier write may still be reported
    events = 0;
    for (let n = 0; n < 20; n++) writeFileSync(join(folder.path, "barnacle.db-wal"), "x".repeat(n));
    writeFileSync(path, "{ }");
    while (events === 0) await sleep(10);
    assert.ok(events < 10, `${events} events`);
    stop?.();
  });
});
