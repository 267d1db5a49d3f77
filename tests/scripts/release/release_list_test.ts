import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { addRelease, describeRelease, readSigned } from "../../../scripts/release/release_list.ts";
import { newSigner } from "../../support/release/signer.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 10, 23, 12);

describe("[SEC-R37] the script of the list", () => {
  it("describes each program of a release, and no other file", () => {
    using directory = tempDirectory();
    const names = [
      "barnacle",
      "barnacle-linux-x64-musl",
      "barnacle-windows-arm64.exe",
      "SHA256SUMS",
    ];
    for (const name of names) writeFileSync(join(directory.path, name), "abc");
    mkdirSync(join(directory.path, "maps"));
    const release = describeRelease(directory.path, "1.0.0", NOW, 3);
    const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert.deepEqual(release, {
      version: "1.0.0",
      date: "2026-11-23",
      schema: 3,
      files: {
        "linux-x64-musl": { path: "v1.0.0/barnacle-linux-x64-musl", size: 3, sha256 },
        "windows-arm64": { path: "v1.0.0/barnacle-windows-arm64.exe", size: 3, sha256 },
      },
    });
    const first = addRelease(undefined, release, NOW);
    const list = addRelease(first, { ...release, version: "1.1.0" }, NOW + 60_000);
    assert.equal(list.issued, "2026-11-23T12:01:00Z");
    assert.deepEqual(list.releases.map(({ version }) => version), ["1.1.0", "1.0.0"]);
    assert.deepEqual(addRelease(list, release, NOW).releases.length, 2);
  });

  it("adds to a signed list only", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "releases.json");
    const signer = newSigner();
    const list = { format: 1, issued: "2026-11-23T12:00:00Z", releases: [] };
    writeFileSync(path, JSON.stringify(list));
    const bytes = new TextEncoder().encode(JSON.stringify(list));
    writeFileSync(`${path}.minisig`, signer.sign(bytes, "barnacle releases"));
    assert.deepEqual(readSigned(path, signer.publicKey), list);
    assert.throws(() => readSigned(path, newSigner().publicKey), /the signature is of the key/);
    writeFileSync(`${path}.minisig`, signer.sign(bytes, "barnacle v1.0.0"));
    assert.throws(() => readSigned(path, signer.publicKey), /is of "barnacle v1\.0\.0", not of/);
    writeFileSync(`${path}.minisig`, signer.sign(bytes, "barnacle releases"));
    writeFileSync(path, "{}");
    assert.throws(() => readSigned(path, signer.publicKey), /not the one that was signed/);
  });

  it("refuses a folder without a program", () => {
    using directory = tempDirectory();
    assert.throws(() => describeRelease(directory.path, "1.0.0", NOW, 3), /has no barnacle-/);
  });
});
