import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lacks, type ReleaseState } from "../../../scripts/release/ready.ts";
import { newSigner } from "../../support/release/signer.ts";

const { publicKey } = newSigner();
const READY: ReleaseState = {
  version: "1.2.3",
  tag: "v1.2.3",
  changelog: "# Changelog\n\n## 1.2.3 (2026-12-01)\n\nText.\n\n## 1.2.2\n\nOlder.\n",
  hasPromises: true,
  key: `untrusted comment: a key\n${publicKey}\n`,
  address: "https://host.example/me/it/releases",
  pages: { "README.md": "Install it.\n", "SECURITY.md": `The key is ${publicKey}.\n` },
};

describe("[SEC-R37] what a release lacks", () => {
  it("is nothing if all is there, also without a tag", () => {
    assert.deepEqual(lacks(READY), []);
    assert.deepEqual(lacks({ ...READY, tag: undefined }), []);
  });

  const CASES: readonly (readonly [change: Partial<ReleaseState>, words: string])[] = [
    [{ version: "1.2" }, 'deno.json: "1.2" is no version'],
    [{ tag: "v1.2.4" }, "deno.json: the version is 1.2.3, and the tag is v1.2.4"],
    [{ changelog: "## 1.2.2\n\nOlder.\n" }, 'CHANGELOG.md: there is no text below "## 1.2.3"'],
    [
      { changelog: "## 1.2.3\n\n## 1.2.2\n\nOlder.\n" },
      'CHANGELOG.md: there is no text below "## 1.2.3"',
    ],
    [
      { changelog: "## Unreleased\n\nNew.\n\n## 1.2.3\n\nText.\n" },
      'CHANGELOG.md: the text below "## Unreleased" belongs to 1.2.3',
    ],
    [
      { hasPromises: false },
      "docs/promises.json: it lacks new names; run `deno run -A scripts/promises.ts`",
    ],
    [{ key: undefined }, "packaging/release.pub: there is no key (docs/internals/releases.md)"],
    [{ key: "x" }, "packaging/release.pub: this is no public key of minisign"],
    [{ pages: { "SECURITY.md": "" } }, "SECURITY.md: it does not name the key"],
    [
      { address: "" },
      "src/version.ts: RELEASES_URL is empty, so `upgrade` finds no release by itself",
    ],
    [
      { address: "https://host.example/me/it" },
      "src/version.ts: RELEASES_URL does not end with /releases: https://host.example/me/it",
    ],
    ...["There is no release yet", "There is no release key yet", "github.com/OWNER/REPOSITORY"]
      .map(
        (text): [Partial<ReleaseState>, string] => [
          { pages: { ...READY.pages, "docs/a.md": `One.\n**${text}.**\n` } },
          `docs/a.md:2: it says "${/no release.*|OWNER.*/.exec(text)?.[0]}"`,
        ],
      ),
  ];
  for (const [change, words] of CASES) {
    it(`is told: ${words}`, () => {
      const found = lacks({ ...READY, ...change });
      assert.ok(found.includes(words), found.join("\n"));
    });
  }
});
