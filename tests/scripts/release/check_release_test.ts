import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { checkRelease } from "../../../scripts/release/check_release.ts";
import { fillTemplate } from "../../../scripts/release/pack/pack.ts";
import { newSigner } from "../../support/release/signer.ts";
import {
  makeRelease,
  needsRelease,
  serveRelease,
  signRelease,
} from "../../support/release/small_release.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const PLATFORM = process.arch === "arm64" ? "linux-arm64" : "linux-x64";
const INSTALLER = join(import.meta.dirname!, "../../../packaging/install/install.sh");

const SAID = `barnacle 1.0.0 (abc), Bun 1.4.4, SQLite 3.50.4, ${PLATFORM}`;

/** A program that answers as Barnacle does. */
const SCRIPT = `case "$*" in
--version) echo "${SAID}" ;;
*) echo '{"findings":[]}'; exit 78 ;;
esac`;

describe("[SEC-R37] checkRelease()", needsRelease(), () => {
  /** A whole release of the host's platform in a new folder, after a change. */
  function release(change: (folder: string) => void = () => {}, script = SCRIPT) {
    const directory = tempDirectory();
    const folder = join(directory.path, "release");
    mkdirSync(folder);
    const { signer } = makeRelease(folder, [PLATFORM], { script });
    const values = { version: "1.0.0", releases: "http://127.0.0.1:1", roomKb: 100 };
    const text = readFileSync(INSTALLER, "utf8");
    writeFileSync(
      join(folder, "install.sh"),
      fillTemplate(text, { ...values, publicKey: signer.publicKey }),
    );
    writeFileSync(join(folder, "barnacle.cdx.json"), "{}");
    signRelease(folder, signer, "1.0.0");
    change(folder);
    const again = (version = "1.0.0") => signRelease(folder, signer, version);
    return { directory, folder, signer, again };
  }

  const lines: string[] = [];
  const check = (place: string, publicKey: string) => {
    lines.length = 0;
    return checkRelease({ place, publicKey, say: (line) => lines.push(line) });
  };
  const GOOD = [
    "signature: good (barnacle v1.0.0)",
    "checksums: 4 files are good",
    "install.sh: installed 1.0.0",
    `program: ${SAID}`,
    "doctor: 0 findings, as on a new machine",
  ];

  it("accepts a good release in a folder", async () => {
    const { directory, folder, signer } = release();
    using _directory = directory;
    await check(folder, signer.publicKey);
    assert.deepEqual(lines, GOOD);
  });

  it("accepts a good release at an address", async () => {
    const { directory, folder, signer } = release();
    using _directory = directory;
    await using server = await serveRelease(folder);
    await check(`${server.address}/download/v1.0.0`, signer.publicKey);
    assert.deepEqual(lines, GOOD.with(1, "checksums: 2 files are good"));
  });

  type Made = ReturnType<typeof release>;
  const set = (made: Made, name: string, text: string) =>
    writeFileSync(join(made.folder, name), text);
  const FAULTS: Readonly<Record<string, readonly [(made: Made) => void, RegExp]>> = {
    "of another key": [
      ({ folder }) => signRelease(folder, newSigner(), "1.0.0"),
      /^SHA256SUMS: the signature is of the key [0-9A-F]{16}, not of [0-9A-F]{16}$/,
    ],
    "without a signature": [
      ({ folder }) => rmSync(join(folder, "SHA256SUMS.minisig")),
      /lacks SHA256SUMS\.minisig$/,
    ],
    "whose signature names no version": [
      ({ again }) => again("x"),
      /^the signature names no release: barnacle vx$/,
    ],
    "with a changed file": [
      (made) => set(made, "barnacle.cdx.json", "{ }"),
      /^barnacle\.cdx\.json has another checksum$/,
    ],
    "without a listed file": [
      ({ folder }) => rmSync(join(folder, "barnacle.cdx.json")),
      /lacks barnacle\.cdx\.json$/,
    ],
    "an unlisted file": [(made) => set(made, "more.txt", ""), /^SHA256SUMS lacks more\.txt$/],
    "with a damaged list": [
      (made) => {
        const bytes = new TextEncoder().encode("no sum\n");
        set(made, "SHA256SUMS", "no sum\n");
        set(made, "SHA256SUMS.minisig", made.signer.sign(bytes, "barnacle v1.0.0"));
      },
      /^SHA256SUMS has a line that is no checksum$/,
    ],
    "another version": [({ again }) => again("1.0.1"), /^the program says that it is 1\.0\.0, not/],
  };
  for (const [name, [change, words]] of Object.entries(FAULTS)) {
    it(`refuses a release ${name}`, async () => {
      const made = release();
      using _directory = made.directory;
      change(made);
      const error = { name: "ReleaseFault", message: words };
      await assert.rejects(check(made.folder, made.signer.publicKey), error);
    });
  }

  it("refuses a release whose program does not start, or whose doctor crashes", async () => {
    const PROGRAMS: readonly (readonly [string, RegExp])[] = [
      ["exit 1", /^the installer failed: install\.sh: the new program does not start here/],
      [SCRIPT.replace("exit 78", "exit 134"), /^doctor ended with 134: $/],
      [SCRIPT.replace('{"findings":[]}', "panic"), /^doctor ended with 78: $/],
    ];
    for (const [script, message] of PROGRAMS) {
      const { directory, folder, signer } = release(undefined, script);
      using _directory = directory;
      await assert.rejects(check(folder, signer.publicKey), { name: "ReleaseFault", message });
    }
    assert.ok(!existsSync("barnacle"));
  });
});
