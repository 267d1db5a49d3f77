import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { valuesFor } from "../../../src/extras/completion/values.ts";
import { EXIT, StartError } from "../../../src/cli/shared/exit_code.ts";
import { recordingIo } from "../../cli/io.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("[O10] the backups that a shell completes", () => {
  const valuesOf = (typed: string, data: string) =>
    valuesFor({ name: "backup file", typed, head: "", before: [] }, { data }, recordingIo());

  it("are those of the data directory and of the typed folder, and no other files", async () => {
    using directory = tempDirectory();
    const backups = join(directory.path, "backups");
    const stick = join(directory.path, "stick");
    for (const folder of [backups, stick]) mkdirSync(folder);
    const names = ["a-2026-11-22.tar.zst", "a-2026-11-23.tar.zst.age"];
    for (const name of [...names, "lock", "a.tar.zst.part"]) writeFileSync(join(backups, name), "");
    writeFileSync(join(stick, "b.tar.zst"), "");
    const kept = names.toReversed().map((name) => join(backups, name));
    const values = await valuesOf("", directory.path);
    assert.ok(values !== "files");
    assert.deepEqual(values.map(({ value }) => value), kept);
    assert.deepEqual(await valuesOf(`${stick}/`, directory.path), [{
      value: `${stick}/b.tar.zst`,
    }]);
    assert.deepEqual(await valuesOf(`${backups}/lo`, directory.path), "files");
  });

  it("are the shell's files without any", async () => {
    using directory = tempDirectory();
    assert.equal(await valuesOf("", directory.path), "files");
  });

  it("are the shell's files, if several bots run and none is chosen", async () => {
    using directory = tempDirectory();
    const wanted = {
      name: "backup file",
      typed: `${directory.path}/`,
      head: "",
      before: [],
    };
    const several = () => Promise.reject(new StartError("several bots run", EXIT.tryAgain));
    assert.equal(await valuesFor(wanted, {}, recordingIo(), several), "files");
    writeFileSync(join(directory.path, "b.tar.zst"), "");
    assert.deepEqual(await valuesFor(wanted, {}, recordingIo(), several), [{
      value: `${directory.path}/b.tar.zst`,
    }]);
  });
});

describe("[O10] [C1] the names of the config that a shell completes", () => {
  it("are those of the service's config, and keys are those of the file at hand", async () => {
    using directory = tempDirectory();
    const write = (name: string, config: object) => {
      const file = join(directory.path, name);
      writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
      return file;
    };
    const feedsOf = (name: string) => ({ feeds: { [name]: { url: "https://example.org/feed" } } });
    const here = write("here.jsonc", feedsOf("mine"));
    const service = write("service.jsonc", feedsOf("theirs"));
    const find = () =>
      Promise.resolve({ dataDir: directory.path, state: "store", config: service } as const);
    const io = recordingIo({ BARNACLE_CONFIG: here });
    const wanted = (name: string, typed = "") => ({ name, typed, head: "", before: [] });
    const values = async (name: string, config?: string, typed?: string) => {
      const found = await valuesFor(wanted(name, typed), { config }, io, find);
      return found === "files" ? found : found.map(({ value }) => value);
    };
    assert.deepEqual(await values("feed"), ["theirs"]);
    assert.deepEqual(await values("feed", here), ["mine"]);
    const keys = await values("key", undefined, "feeds.");
    assert.ok(keys.includes("feeds.mine") || keys.includes("feeds.mine."), String(keys));
  });
});
