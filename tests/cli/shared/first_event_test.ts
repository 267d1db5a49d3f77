import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createFirstEvent } from "../../../src/cli/shared/first_event.ts";
import { readLastVersion, writeLastVersion } from "../../../src/host/files/version_record.ts";
import { createCrashPoints } from "../../../src/host/process/crash_points.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("[O13] the first event of a version", () => {
  it("is noted before its commit", () => {
    using data = tempDirectory();
    writeLastVersion(data.path, "1.0.0");
    const crash = createFirstEvent(data.path, "1.1.0", false).hooks(createCrashPoints(undefined));
    crash.before("T1");
    assert.equal(readLastVersion(data.path), "1.1.0");
  });

  it("is noted for a first start and an older version, and not for a run from source", () => {
    using data = tempDirectory();
    for (const version of ["1.1.0", "1.0.0"]) {
      createFirstEvent(data.path, version, false).note();
      assert.equal(readLastVersion(data.path), version);
    }
    createFirstEvent(data.path, "2.0.0-source", true).note();
    assert.equal(readLastVersion(data.path), "1.0.0");
  });

  it("takes a damaged record for none", () => {
    using data = tempDirectory();
    for (const text of ["", "{", "[]", '{"accepted":1}']) {
      writeFileSync(join(data.path, "version.json"), text);
      assert.equal(readLastVersion(data.path), undefined, text);
    }
  });
});
