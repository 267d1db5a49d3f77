import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { PassphraseError } from "../../../../src/extras/backup/archive/age.ts";
import { readSealed, writeSealed } from "../../../../src/extras/backup/archive/sealed_file.ts";
import { ArchiveError } from "../../../../src/extras/backup/archive/source.ts";
import { tempDirectory } from "../../../support/temp_directory.ts";

const PASSPHRASE = "correct horse battery staple";
/** A cheap work factor. `backup_test.ts` uses the real one. */
const logN = 10;

/** 300 KB that no compression makes smaller. */
const CONTENT = Buffer.concat(
  Array.from({ length: 9_375 }, (_, index) => createHash("sha256").update(`${index}`).digest()),
);

async function* inParts(content: Uint8Array, size = 40_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) {
    yield await Promise.resolve(content.subarray(at, at + size));
  }
}

async function readAll(path: string, passphrase?: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of readSealed(path, () => Promise.resolve(passphrase))) parts.push(part);
  return Buffer.concat(parts);
}

for (const passphrase of [undefined, PASSPHRASE]) {
  describe(`[O11] writeSealed() ${passphrase ? "with" : "without"} a passphrase`, () => {
    it("writes a file that only its owner can read, and that readSealed() reads", async () => {
      using directory = tempDirectory();
      const path = join(directory.path, "a");
      const part = join(directory.path, "a.part");
      const size = await writeSealed({ path, part, passphrase, logN }, inParts(CONTENT));
      assert.equal(size, statSync(path).size);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.deepEqual(await readAll(path, passphrase), CONTENT);
      assert.equal(readFileSync(path).includes(CONTENT.subarray(0, 64)), !passphrase);
    });

    it("keeps the order of the pieces, which other threads compress", async () => {
      using directory = tempDirectory();
      const path = join(directory.path, "a");
      const pieces = Array.from({ length: 22 }, (_, index) => [Buffer.alloc(9, index), CONTENT]);
      const content = Buffer.concat(pieces.flat()); // 6.6 MB
      await writeSealed(
        { path, part: `${path}.part`, passphrase, logN },
        inParts(content, 700_000),
      );
      assert.ok(content.equals(await readAll(path, passphrase)));
    });

    it("leaves nothing if the content fails", async () => {
      using directory = tempDirectory();
      const path = join(directory.path, "a");
      const part = join(directory.path, "a.part");
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield* inParts(CONTENT);
        throw new Error("the disk is gone");
      }
      await assert.rejects(
        writeSealed({ path, part, passphrase, logN }, failing()),
        /disk is gone/,
      );
      assert.deepEqual(readdirSync(directory.path), []);
    });

    it("makes files whose missing or changed parts readSealed() notices", async () => {
      using directory = tempDirectory();
      const path = join(directory.path, "a");
      await writeSealed({ path, part: `${path}.part`, passphrase, logN }, inParts(CONTENT));
      const whole = readFileSync(path);
      for (const at of [60, 5_000, Math.floor(whole.length / 2), whole.length - 100]) {
        const bad = Buffer.from(whole);
        bad.writeUInt8(bad.readUInt8(at) ^ 0xff, at);
        writeFileSync(path, bad);
        await assert.rejects(
          readAll(path, passphrase),
          (error) => error instanceof ArchiveError || error instanceof PassphraseError,
          `byte ${at}`,
        );
      }
      if (passphrase === undefined) return; // the archive's end shows a cut one
      for (const length of [30, 100, 5_000, whole.length - 1]) {
        writeFileSync(path, whole.subarray(0, length));
        await assert.rejects(readAll(path, passphrase), ArchiveError, `${length} bytes`);
      }
    });
  });
}

describe("[O11] readSealed()", () => {
  it("names a wrong and a missing passphrase", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "a");
    await writeSealed(
      { path, part: `${path}.part`, passphrase: PASSPHRASE, logN },
      inParts(CONTENT),
    );
    await assert.rejects(readAll(path, "another one"), {
      name: "PassphraseError",
      message: "the passphrase is wrong",
    });
    await assert.rejects(readAll(path), { name: "PassphraseError", message: "it is encrypted" });
  });

  it("waits for no pipe, and reads no folder", async () => {
    using directory = tempDirectory();
    const pipe = join(directory.path, "pipe");
    execFileSync("mkfifo", [pipe]);
    await assert.rejects(readAll(pipe), { name: "ArchiveError", message: "it is no regular file" });
    await assert.rejects(readAll(directory.path), /it is a folder/);
  });

  it("spends no memory on a header that a stranger wrote", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "a");
    const header = (factor: number) =>
      `age-encryption.org/v1\n-> scrypt ${"A".repeat(22)} ${factor}\n${"A".repeat(43)}\n` +
      `--- ${"A".repeat(43)}\n${"x".repeat(100)}`;
    writeFileSync(path, header(19));
    await assert.rejects(
      readAll(path, PASSPHRASE),
      /^ArchiveError: to try a passphrase would take more memory than age itself uses$/,
    );
    writeFileSync(path, header(10));
    await assert.rejects(readAll(path, PASSPHRASE), /the passphrase is wrong/);
    writeFileSync(path, `age-encryption.org/v1\n-> x y\n${`${"A".repeat(64)}\n`.repeat(1_000)}`);
    await assert.rejects(readAll(path, PASSPHRASE), /a part of it is missing or changed/);
  });

  it("refuses another file", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "a");
    for (const text of ["", "x", "a photo of a barnacle", "PK\u0003\u0004"]) {
      writeFileSync(path, text);
      await assert.rejects(readAll(path), /it is no backup of Barnacle/);
    }
    assert.ok(existsSync(path));
  });
});
