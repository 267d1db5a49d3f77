import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  fileFor,
  newestOf,
  readReleaseList,
  type Release,
  releaseOf,
} from "../../../src/extras/upgrade/release_list.ts";
import { newSigner } from "../../support/release/signer.ts";

const signer = newSigner();
const FILE = { path: "v1.0.0/barnacle-linux-x64", size: 10, sha256: "ab".repeat(32) };
const release = (version: string): Release => ({
  version,
  date: "2026-11-23",
  schema: 3,
  files: { "linux-x64": FILE },
});
const LIST = {
  format: 1,
  issued: "2026-11-23T12:00:00Z",
  releases: ["1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1"].map(release),
};

const NOW = Date.parse("2026-11-24T00:00:00Z");
const NEW = { seen: undefined, now: NOW };

function read(value: unknown, seen?: string, by = signer, comment = "barnacle releases") {
  const text = new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
  const signature = by.sign(text, comment);
  return readReleaseList({ text, signature }, signer.publicKey, { seen, now: NOW }, "the list");
}

describe("[SEC-R37] the list of releases", () => {
  it("names the newest release that is no preview, and any release by its version", () => {
    const list = read({ ...LIST, later: "a key of a later version" });
    assert.equal(newestOf(list)?.version, "1.10.0");
    assert.equal(releaseOf(list, "v2.0.0-rc.1").version, "2.0.0-rc.1");
    assert.deepEqual(fileFor(release("1.0.0"), "linux-x64"), FILE);
    assert.equal(newestOf(read({ ...LIST, releases: [release("1.0.0-rc.1")] })), undefined);
  });

  it("is taken again with the same date, and with a later one", () => {
    assert.equal(read(LIST, LIST.issued).issued, LIST.issued);
    assert.equal(read(LIST, "2026-11-23T11:59:59Z").issued, LIST.issued);
  });

  it("is taken if the newest seen one has a date to come, for the clock was wrong then", () => {
    assert.equal(read(LIST, "2027-06-01T00:00:00Z").issued, LIST.issued);
    assert.throws(() => read(LIST, "2026-11-24T20:00:00Z"), /older than the one of/);
  });

  const wrong: readonly (readonly [what: string, read: () => unknown, said: RegExp])[] = [
    [
      "another key",
      () => read(LIST, undefined, newSigner()),
      /^do not trust the list: the signature/,
    ],
    ["a damaged key of the build", () =>
      readReleaseList(
        { text: new Uint8Array(), signature: "" },
        "no key",
        NEW,
        "the list",
      ), /this is no public key/],
    ["a cut signature", () =>
      readReleaseList(
        { text: new Uint8Array(), signature: "untrusted comment: x\n" },
        signer.publicKey,
        NEW,
        "the list",
      ), /the signature is damaged or cut; nothing was changed\. Try again, or read the list from/],
    [
      "an older list",
      () => read(LIST, "2026-11-23T12:00:01Z"),
      /older than the one of 2026-11-23T12:00:01Z/,
    ],
    [
      "a date to come",
      () => read({ ...LIST, issued: "2026-11-25T00:00:01Z" }),
      /^the list .* is of 2026-11-25T00:00:01Z, and here it is 2026-11-24T00:00:00\.000Z; nothing was changed\. Set the clock of this machine; if it is right, tell the maintainers$/,
    ],
    [
      "the signature of another file",
      () => read(LIST, undefined, signer, "barnacle v1.0.0"),
      /^do not trust the list: the signature is of "barnacle v1\.0\.0", not of "barnacle releases"; nothing/,
    ],
    [
      "a later format",
      () => read({ ...LIST, format: 2 }),
      /it has format 2, and this Barnacle reads format 1/,
    ],
    [
      "no JSON",
      () => read("{"),
      /it is damaged \(no JSON\)\. Please report it; nothing was changed/,
    ],
    ["no release", () => read({ ...LIST, releases: [] }), /it is damaged \(releases\)/],
    ["a path that leaves the folder", () =>
      read({
        ...LIST,
        releases: [{ ...release("1.0.0"), files: { "linux-x64": { ...FILE, path: "../x" } } }],
      }), /it is damaged \(releases\.0\.files\.linux-x64\.path\)/],
    ["a short hash", () =>
      read({
        ...LIST,
        releases: [{ ...release("1.0.0"), files: { "linux-x64": { ...FILE, sha256: "ab" } } }],
      }), /it is damaged \(releases\.0\.files\.linux-x64\.sha256\)/],
    ["no version", () => read({ ...LIST, releases: [release("one")] }), /\(releases\.0\.version\)/],
    [
      "an unknown version",
      () => releaseOf(read(LIST), "3.0.0"),
      /^there is no release 3\.0\.0; the list has 2/,
    ],
    [
      "an unknown platform",
      () => fileFor(release("1.0.0"), "constructor"),
      /no program for constructor, only/,
    ],
  ];
  for (const [what, act, said] of wrong) {
    it(`is refused in one line: ${what}`, () => {
      assert.throws(act, (error: unknown) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, said);
        assert.equal(error.message.split("\n").length, 1);
        return true;
      });
    });
  }
});
