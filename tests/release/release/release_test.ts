/** Makes a release of the binary under test with a key of the test, and checks it as a user would. */

import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { checkRelease } from "../../../scripts/release/check_release.ts";
import { packRelease } from "../../../scripts/release/pack/pack.ts";
import { RELEASE_TARGETS } from "../../../scripts/release/runtimes.ts";
import { newSigner } from "../../support/release/signer.ts";
import { needsRelease } from "../../support/release/small_release.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const BINARY = process.env["BARNACLE_BIN"] ?? "";
const HOST = `linux-${process.arch}`;
const { version } = JSON.parse(
  readFileSync(join(import.meta.dirname!, "../../../deno.json"), "utf8"),
);

describe(
  "[SEC-R37] a release of this binary",
  BINARY === "" ? skipUnless(false, "no binary to release") : needsRelease("dpkg-deb", "openssl"),
  () => {
    it("passes the check from the outside: signature, sums, installer, program, doctor", async () => {
      using place = tempDirectory();
      const folder = join(place.path, "release");
      mkdirSync(folder);
      for (const platform of RELEASE_TARGETS) {
        const end = platform.startsWith("windows") ? ".exe" : "";
        const path = join(folder, `barnacle-${platform}${end}`);
        if (platform === HOST) copyFileSync(BINARY, path);
        else writeFileSync(path, "the program of another platform");
        chmodSync(path, 0o755);
      }
      const { publicKey, sign } = newSigner();
      packRelease({
        folder,
        version,
        releases: "http://127.0.0.1:1/releases",
        publicKey,
        seconds: Math.floor(Date.now() / 1_000),
        level: 0,
      });
      const sums = readFileSync(join(folder, "SHA256SUMS"));
      writeFileSync(join(folder, "SHA256SUMS.minisig"), sign(sums, `barnacle v${version}`));

      const lines: string[] = [];
      await checkRelease({ place: folder, publicKey, say: (line) => lines.push(line) });
      assert.deepEqual(lines.map((line) => line.split(":")[0]), [
        "signature",
        "checksums",
        "install.sh",
        "program",
        "doctor",
      ]);
      assert.match(lines.at(-2) ?? "", new RegExp(`^program: ${version} \\(\\w*\\) for ${HOST}$`));
    });
  },
);
