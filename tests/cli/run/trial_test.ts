import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isFailure, openTrial, tellFailedTrial } from "../../../src/cli/run/trial.ts";
import { readVersionRecord, writeVersionRecord } from "../../../src/host/files/version_record.ts";
import { createCrashPoints } from "../../../src/host/process/crash_points.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { writeFileSync } from "node:fs";

/** A data directory with a store, in which a version has accepted an event. */
function withData(accepted?: string) {
  const directory = tempDirectory();
  openDatabase(join(directory.path, "barnacle.db"), 0).close();
  if (accepted !== undefined) writeVersionRecord(directory.path, { accepted });
  return directory;
}

describe("[O13] the trial of a new version", () => {
  it("begins after an older version, counts its starts, and ends with the first event", () => {
    using data = withData("1.0.0");
    const trial = openTrial(data.path, "1.1.0");
    assert.equal(trial.isOpen(), true);
    trial.begin();
    const { since, ...begun } = trial.begun()!;
    assert.deepEqual(begun, {
      version: "1.1.0",
      from: "1.0.0",
      schema: MIGRATIONS.length,
      starts: 1,
    });
    assert.ok(since > 0);
    const crash = trial.hooks(createCrashPoints(undefined));
    crash.before("TJ");
    assert.equal(trial.isOpen(), true, "the journal is work of the old version");
    crash.before("T1");
    assert.equal(trial.isOpen(), false);
    assert.equal(trial.begun(), undefined);
    assert.deepEqual(readVersionRecord(data.path), {
      accepted: "1.1.0",
      trial: undefined,
      failed: undefined,
    });
  });

  it("is none for the same version, an older one, a first start, or a run from source", () => {
    for (
      const [accepted, version] of [["1.1.0", "1.1.0"], ["1.2.0", "1.1.0"], [undefined, "1.1.0"]]
    ) {
      using data = withData(accepted);
      const trial = openTrial(data.path, version!);
      trial.begin();
      assert.equal(trial.isOpen(), false, `${accepted} to ${version}`);
      assert.equal(trial.begun(), undefined);
      trial.accept();
      assert.equal(readVersionRecord(data.path).accepted, version);
    }
    using data = withData("1.0.0");
    openTrial(data.path, "2.0.0-source", true).accept();
    assert.equal(readVersionRecord(data.path).accepted, "1.0.0");
  });

  it("is lost after three deaths, and a start that ends in order is none", () => {
    using data = withData("1.0.0");
    for (let start = 0; start < 5; start++) {
      const trial = openTrial(data.path, "1.1.0");
      trial.begin();
      trial.leave();
    }
    for (let death = 0; death < 3; death++) openTrial(data.path, "1.1.0").begin();
    const last = openTrial(data.path, "1.1.0");
    assert.throws(() => last.begin(), /Barnacle 1\.1\.0 has died 3 times before its first event/);
    assert.equal(last.begun()?.starts, 4);
    openTrial(data.path, "1.2.0").begin(); // another version begins anew
  });

  it("takes a damaged record for none", () => {
    for (const text of ["", "{", "[]", '{"accepted":1}', '{"trial":{"version":"1.1.0"}}']) {
      using data = withData();
      writeFileSync(join(data.path, "version.json"), text);
      assert.equal(openTrial(data.path, "1.1.0").isOpen(), false, text);
    }
  });

  it("goes back for failures, and not for a missing network or a stop", () => {
    assert.deepEqual(([0, 1, 74, 75, 77, 78] as const).filter(isFailure), [1, 74, 77, 78]);
  });

  it("is told once by the version that runs again", () => {
    using data = withData("1.0.0");
    const failed = { version: "1.1.0", why: "a fault", at: 1, isTold: false };
    writeVersionRecord(data.path, { accepted: "1.0.0", failed });
    const { log, lines } = recordingLog();
    for (let start = 0; start < 2; start++) tellFailedTrial(data.path, "1.0.0", log);
    assert.equal(lines.length, 1);
  });
});
