import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { hasValidSignature, withSignature } from "../../../scripts/release/macho_signature.ts";

const SIGNATURE_AT = 9_008; // in the third page

/** A file with the load commands that a signature needs, and a signature of another file. */
function machO(): Buffer {
  const file = Buffer.alloc(SIGNATURE_AT + 64, 7);
  file.fill(0, 0, 400);
  [0xfeedfacf, 0x01000007, 3, 2, 3, 160, 0, 0].forEach((value, index) =>
    file.writeUInt32LE(value, index * 4)
  );
  const segment = (at: number, name: string, from: bigint, size: bigint) => {
    file.writeUInt32LE(0x19, at);
    file.writeUInt32LE(72, at + 4);
    file.write(name, at + 8, "latin1");
    file.writeBigUInt64LE(0x1000n, at + 32);
    file.writeBigUInt64LE(from, at + 40);
    file.writeBigUInt64LE(size, at + 48);
  };
  segment(32, "__TEXT", 0n, 8_192n);
  segment(104, "__LINKEDIT", 8_192n, BigInt(file.length - 8_192));
  [0x1d, 16, SIGNATURE_AT, 64].forEach((value, index) =>
    file.writeUInt32LE(value, 176 + index * 4)
  );
  [0xfade0cc0, 64, 1, 0, 20, 0xfade0c02].forEach((value, index) =>
    file.writeUInt32BE(value, SIGNATURE_AT + index * 4)
  );
  return file;
}

describe("withSignature()", () => {
  it("hashes each page, also the part of the last one, and changes nothing else", () => {
    const old = machO();
    const signed = Buffer.from(withSignature(old, "barnacle"));
    const directory = signed.subarray(SIGNATURE_AT + 20);
    const [hashes, slots, limit] = [16, 28, 32].map((at) => directory.readUInt32BE(at));
    assert.deepEqual([slots, limit], [3, SIGNATURE_AT]);
    [[0, 4_096], [4_096, 8_192], [8_192, SIGNATURE_AT]].forEach(([from, to], page) => {
      const at = (hashes ?? 0) + page * 32;
      assert.deepEqual(
        directory.subarray(at, at + 32),
        createHash("sha256").update(signed.subarray(from, to)).digest(),
      );
    });
    assert.equal(directory.toString("latin1", 88, 97), "barnacle\0");
    assert.equal(directory.readUInt32BE(12), 0x20002); // ad hoc
    assert.equal(directory.readBigUInt64BE(72), 8_192n); // the code
    assert.deepEqual(signed.subarray(400, SIGNATURE_AT), old.subarray(400, SIGNATURE_AT));
  });

  it("makes the last segment end with the file", () => {
    const signed = Buffer.from(withSignature(machO(), "barnacle"));
    assert.equal(signed.readBigUInt64LE(104 + 48), BigInt(signed.length - 8_192));
    assert.equal(signed.readUInt32LE(176 + 12), signed.length - SIGNATURE_AT);
    assert.equal(signed.readBigUInt64LE(104 + 32) % 4_096n, 0n);
  });

  it("gives the same bytes again", () => {
    const once = withSignature(machO(), "barnacle");
    assert.deepEqual(withSignature(once, "barnacle"), once);
  });

  it("refuses another file", () => {
    assert.throws(() => withSignature(Buffer.alloc(64), "it"), /Not a Mach-O file of 64 bits/);
    const bare = machO();
    bare.writeUInt32LE(0x1b, 176);
    assert.throws(() => withSignature(bare, "it"), /has no signature/);
  });
});

it("hasValidSignature() › finds a stale signature, and a changed byte", () => {
  assert.equal(hasValidSignature(machO()), false);
  const signed = Buffer.from(withSignature(machO(), "barnacle"));
  assert.equal(hasValidSignature(signed), true);
  signed.writeUInt8(8, 9_000);
  assert.equal(hasValidSignature(signed), false);
});
