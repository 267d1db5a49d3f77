import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assertStoreFits, findPlace } from "../../../src/extras/upgrade/bot_place.ts";
import { thisMachine } from "../../../src/extras/service/machine.ts";
import { MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { openStore } from "../../../src/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../../cli/io.ts";

describe("[O13] findPlace()", () => {
  it("knows the schema of the store, so that an older program is refused", async () => {
    using folder = tempDirectory();
    const data = folder.path;
    openStore(join(data, "barnacle.db"), {
      now: Date.now(),
      elapsed: () => performance.now(),
    }).close();
    const place = await findPlace("/none", { data }, recordingIo(), thisMachine({}));
    assert.equal(place.schema, MIGRATIONS.length);
    assert.throws(
      () => assertStoreFits(place, { version: "0.9.0", schema: MIGRATIONS.length - 1 }),
      /has schema \d+, and Barnacle 0\.9\.0 reads schemas up to/,
    );
  });
});
