import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { elsewhereText } from "../../../src/cli/shared/find_data.ts";
import { writeSharedRecord } from "../../../src/store/replica/record.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("[O16] elsewhereText()", () => {
  it("names the processes that run the partitions which a command does not see", () => {
    using folder = tempDirectory();
    const data = folder.path;
    const record = { store: "s", owner: "o", epoch: 0 };
    const places = [undefined, "b:/data", "c:/data", "b:/data"];
    for (const [index, place] of places.entries()) {
      const path = join(data, "partitions", `${index}`);
      mkdirSync(path, { recursive: true });
      if (place === undefined) writeFileSync(join(path, "barnacle.db"), "");
      writeSharedRecord(path, { ...record, place });
    }
    assert.equal(elsewhereText(data), undefined, "the process has the whole bot");
    writeFileSync(join(data, "partitions", "main"), "0");
    assert.equal(
      elsewhereText(data),
      "Without the partitions that other processes run: 1, 3 (b:/data); 2 (c:/data)",
    );
    for (const index of [1, 2, 3]) {
      writeFileSync(join(data, "partitions", `${index}`, "barnacle.db"), "");
    }
    assert.equal(elsewhereText(data), undefined);
  });
});
