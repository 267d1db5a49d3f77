import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readMinisignKey, verifyMinisign } from "../../../src/features/upgrade/release.ts";
import { newSigner } from "../../support/release/signer.ts";

/** Made by minisign 0.11, with `-S -t "barnacle v1.0.0"`; `OLD` with `-l`. */
const PUBLIC_KEY = `untrusted comment: minisign public key 73F65F9C48C1A217
RWQXosFInF/2c4g6vUmIQPB6gWnavtKrF/i7KkyzwkoXkjRk0SrhyG1R
`;
const FILE = new TextEncoder().encode("abc  barnacle-linux-x64\n");
const SIGNATURE = `untrusted comment: signature from minisign secret key
RUQXosFInF/2c3EwBdr+fRTm33ucM/OwmV+Epsy/+9UdrQLSDvUX3IpM0wqK0Q3U1llGHSAWEa8ublG+o4rCiajSSedoNpCYDQU=
trusted comment: barnacle v1.0.0
A1WBpb0asJ9zOBGdZ5rO3/w1RLlxBtC0Hnj+iWeT7XCBb95yBuskaxg6P3ZHtUQERs837ylF5Np7ZKH5irKLCg==
`;
const OLD = `untrusted comment: signature from minisign secret key
RWQXosFInF/2c8j0znpZYBv2qHg6fMTPdl1AsmJrYOQc4jdK2pFi2dT4gAkhxbvEiPUmNrJajEji5CgohAJqYpADfeQNjfPfXgU=
trusted comment: barnacle v1.0.0
mv1IRQa8cs25NhqKOTDgTCSlexGSbPQ7RdQeIv/uJ1/4O/2uIdH4+bYerVKEzVFEYfDVqoMLZ8+3639dCudvDQ==
`;

describe("[SEC-R37] verifyMinisign()", () => {
  const key = readMinisignKey(PUBLIC_KEY);

  it("returns the trusted comment of a signature by minisign", () => {
    assert.equal(verifyMinisign(FILE, SIGNATURE, key), "barnacle v1.0.0");
    assert.equal(verifyMinisign(FILE, SIGNATURE.replaceAll("\n", "\r\n"), key), "barnacle v1.0.0");
  });

  it("takes the key as one line, too", () => {
    const line = readMinisignKey(PUBLIC_KEY.split("\n")[1] ?? "");
    assert.equal(line.id, "73F65F9C48C1A217");
    assert.equal(verifyMinisign(FILE, SIGNATURE, line), "barnacle v1.0.0");
  });

  it("takes the signatures that tests make", () => {
    const { publicKey, sign } = newSigner();
    assert.equal(verifyMinisign(FILE, sign(FILE, "v2"), readMinisignKey(publicKey)), "v2");
  });

  const lines = SIGNATURE.split("\n");
  const damaged = "the signature is damaged or cut";
  const changed = "the file is not the one that was signed";
  const BAD: Readonly<Record<string, readonly [Uint8Array, string, string]>> = {
    "another file": [new TextEncoder().encode("abd  barnacle-linux-x64\n"), SIGNATURE, changed],
    "half the file": [FILE.slice(0, 10), SIGNATURE, changed],
    "a changed signature": [FILE, SIGNATURE.replace("fRTm33uc", "fRTm33ud"), changed],
    "another version in the comment": [
      FILE,
      SIGNATURE.replace("v1.0.0", "v1.0.1"),
      "the trusted comment is not the one that was signed",
    ],
    "half the signature": [FILE, SIGNATURE.slice(0, 90), damaged],
    "no signature": [FILE, "", damaged],
    "a page of an error": [FILE, "<html>\n<p>\n404\n", damaged],
    "no second signature": [FILE, lines.slice(0, 3).join("\n"), damaged],
    "more lines": [FILE, `${SIGNATURE}more\n`, damaged],
    "no trusted comment": [FILE, SIGNATURE.replace("trusted comment: b", "comment: b"), damaged],
    "the form without a hash": [FILE, OLD, "the signature was made by minisign 0.9 or older"],
  };
  for (const [name, [file, signature, message]] of Object.entries(BAD)) {
    it(`refuses ${name}`, () => {
      assert.throws(() => verifyMinisign(file, signature, key), {
        name: "SignatureError",
        message,
      });
    });
  }

  it("names both keys if the signature is of another one", () => {
    const message = /^the signature is of the key 73F65F9C48C1A217, not of [0-9A-F]{16}$/;
    const other = readMinisignKey(newSigner().publicKey);
    assert.throws(() => verifyMinisign(FILE, SIGNATURE, other), {
      name: "SignatureError",
      message,
    });
  });
});

describe("[SEC-R37] readMinisignKey()", () => {
  for (
    const text of ["", "hello", SIGNATURE, "RWQXosFInF/2c4g6", PUBLIC_KEY.replace("RWQ", "RUQ")]
  ) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.throws(() => readMinisignKey(text), { message: "this is no public key of minisign" });
    });
  }
});
