import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { filesWithSecrets, serversOf } from "../../../src/bot/mcp/ports.ts";
import { homedir } from "node:os";
import { configOf } from "../../config/support.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("[T13] filesWithSecrets()", () => {
  it("has the config, the files of its secrets, and the backup that a change leaves beside its real path", () => {
    using directory = tempDirectory();
    const real = join(directory.path, "real");
    mkdirSync(real);
    writeFileSync(join(real, "config.jsonc"), "{}");
    const link = join(directory.path, "config.jsonc");
    symlinkSync(join(real, "config.jsonc"), link);
    const hidden = filesWithSecrets({ file: link, secretFiles: ["/run/secrets/token"] });
    assert.ok(hidden.includes(link));
    assert.ok(hidden.includes("/run/secrets/token"));
    assert.ok(hidden.includes(join(real, "config.jsonc.bak")));
  });
});

describe("[T13] serversOf()", () => {
  it("takes ~ of a program and of its folders as the home folder", async () => {
    const server = { command: "~/bin/files", writable: ["~/files", "/srv"] };
    const [found] = serversOf(await configOf(JSON.stringify({ mcp: { servers: { a: server } } })));
    assert.ok(found?.transport.kind === "stdio");
    assert.equal(found.transport.command, join(homedir(), "bin/files"));
    assert.deepEqual(found.transport.writable, [join(homedir(), "files"), "/srv"]);
  });
});
