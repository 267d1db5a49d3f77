/** The way of a release: its workflow, its runtimes and its bill of materials. */

import assert from "node:assert/strict";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkSha512, readLockFile, sha512Of } from "../../../scripts/release/lock_file.ts";
import {
  fetchRuntime,
  RELEASE_TARGETS,
  runtimePackage,
} from "../../../scripts/release/runtimes.ts";
import { sbomText } from "../../../scripts/release/pack/sbom.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..", "..");
const BUN = "1.4.4";

/** The workflow's jobs by name, as text. */
function jobs(): ReadonlyMap<string, string> {
  const text = readFileSync(join(ROOT, ".github", "workflows", "ci.yml"), "utf8");
  const [, part = ""] = text.split(/^jobs:\n/m);
  const pieces = part.split(/^ {2}(\w+):\n/m).slice(1);
  return new Map(
    pieces.flatMap((name, index) =>
      index % 2 === 0 ? [[name, pieces[index + 1] ?? ""] as const] : []
    ),
  );
}

function job(name: string): string {
  const text = jobs().get(name);
  assert.ok(text !== undefined, `a job ${name}`);
  return text;
}

/** An archive of a package with a fake runtime, and a lock file with a hash for it. */
function fakePackage(folder: string, hashOf: (archive: Uint8Array) => Uint8Array) {
  mkdirSync(join(folder, "package", "bin"), { recursive: true });
  writeFileSync(join(folder, "package", "bin", "bun"), "a runtime");
  const archive = join(folder, "archive.tgz");
  execFileSync("tar", ["-czf", archive, "-C", folder, "package"]);
  const sha512 = createHash("sha512").update(hashOf(readFileSync(archive))).digest("base64");
  const id = `${runtimePackage("linux-arm64")}@${BUN}`;
  return { lock: { npm: { [id]: { integrity: `sha512-${sha512}` } } }, download: () => archive };
}

describe("[SEC-R37] the release workflow", () => {
  it("names each action by commit", () => {
    const uses = [...jobs().values()].flatMap((text) => [...text.matchAll(/uses: (.*)/g)]);
    assert.ok(uses.length >= 7);
    for (const [, action = ""] of uses) assert.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d/);
  });

  it("keeps no credentials in a checkout", () => {
    const steps = [...jobs().values()].flatMap((text) => text.split(/^ {6}- /m));
    const checkouts = steps.filter((step) => step.includes("actions/checkout@"));
    assert.equal(checkouts.length, 5);
    for (const step of checkouts) assert.match(step, /persist-credentials: false/);
  });

  it("builds with read access, and publishes without code of the project", () => {
    const text = readFileSync(join(ROOT, ".github", "workflows", "ci.yml"), "utf8");
    assert.match(text, /^permissions: \{\}$/m);
    const reading = ["test", "everything", "build", "outside", "site"];
    assert.deepEqual([...jobs().keys()].toSorted(), [...reading, "publish", "pages"].toSorted());
    for (const name of reading) {
      assert.match(job(name), /permissions:\n {6}contents: read\n {4}\w/);
      assert.doesNotMatch(job(name), /: write|secrets\./);
    }
    for (const name of ["publish", "pages"]) {
      assert.match(job(name), /contents: write/);
      assert.doesNotMatch(job(name), /checkout@|\b(?:deno|npm|npx|bun|node)\b|scripts\//);
    }
  });

  it("checks the sums, attests them, signs them, and publishes nothing unsigned", () => {
    const order = [
      "sha256sum --check --strict SHA256SUMS",
      "subject-checksums: release/SHA256SUMS",
      "sbom-path: release/barnacle.cdx.json",
      '-t "barnacle $GITHUB_REF_NAME" -m release/SHA256SUMS',
      '--draft="$draft"',
    ].map((text) => job("publish").indexOf(text));
    assert.ok(order.every((place) => place >= 0), order.join());
    assert.deepEqual(order, order.toSorted((one, other) => one - other));
  });
});

describe("[SEC-R37] fetchRuntime()", () => {
  it("finds a hash for each platform of a release in the lock file", () => {
    const { imports } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
    assert.equal(imports.bun, `npm:bun@${BUN}`);
    for (const target of RELEASE_TARGETS) {
      assert.equal(sha512Of(readLockFile(), runtimePackage(target), BUN).length, 88);
    }
  });

  it("unpacks a runtime with the hash of the lock file", () => {
    using directory = tempDirectory();
    const ports = fakePackage(directory.path, (archive) => archive);
    const path = fetchRuntime("linux-arm64", BUN, directory.path, ports);
    assert.equal(readFileSync(path, "utf8"), "a runtime");
  });

  it("refuses another runtime, and unpacks nothing of it", () => {
    using source = tempDirectory();
    using folder = tempDirectory();
    const ports = fakePackage(source.path, () => new Uint8Array());
    assert.throws(() => fetchRuntime("linux-arm64", BUN, folder.path, ports), {
      name: "IntegrityError",
    });
    assert.ok(!existsSync(join(folder.path, "package")));
  });

  it("refuses a package that the lock file does not have", () => {
    const ports = { lock: { npm: {} }, download: () => assert.fail("nothing is downloaded") };
    assert.throws(() => fetchRuntime("linux-arm64", BUN, "/nonexistent", ports), {
      name: "IntegrityError",
    });
  });
});

it("[SEC-R37] checkSha512() › refuses an archive with one changed bit", () => {
  const bytes = new TextEncoder().encode("archive");
  const sha512 = createHash("sha512").update(bytes).digest("base64");
  checkSha512(bytes, sha512, "it");
  assert.throws(() => checkSha512(bytes.with(3, 0), sha512, "it"), { name: "IntegrityError" });
});

describe("[SEC-R37] sbomText()", () => {
  const inventory = {
    version: "1.2.3",
    packages: [
      { name: "zod", version: "4.6.7", licence: "MIT" },
      { name: "@ai-sdk/anthropic", version: "4.0.105", licence: "Apache-2.0" },
    ],
    bun: BUN,
    targets: ["linux-arm64"],
    lock: readLockFile(),
  };

  it("lists packages and runtimes with version, licence and hash, always with the same bytes", () => {
    const text = sbomText(inventory);
    assert.equal(sbomText({ ...inventory, packages: inventory.packages.toReversed() }), text);
    const { components, metadata } = JSON.parse(text);
    assert.equal(metadata.component.version, "1.2.3");
    assert.deepEqual(
      components.map(({ purl }: { readonly purl: string }) => purl),
      [
        "pkg:npm/%40ai-sdk/anthropic@4.0.105",
        `pkg:npm/%40oven/bun-linux-aarch64@${BUN}`,
        "pkg:npm/zod@4.6.7",
      ],
    );
    for (const { hashes, licenses } of components) {
      assert.match(hashes[0].content, /^[0-9a-f]{128}$/);
      assert.match(licenses[0].license.id, /^(?:MIT|Apache-2\.0)$/);
    }
  });

  it("follows the schema of CycloneDX 1.6", () => {
    const folder = join(ROOT, "node_modules", "@cyclonedx", "cyclonedx-library", "res", "schema");
    const read = (name: string) =>
      JSON.parse(readFileSync(join(folder, `${name}.SNAPSHOT.schema.json`), "utf8"));
    const ajv = new Ajv({ strict: false, validateFormats: false });
    addFormats.default(ajv);
    ajv.addSchema(read("spdx"), "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json");
    ajv.addSchema(read("jsf-0.82"), "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json");
    const validate = ajv.compile(read("bom-1.6"));
    assert.ok(validate(JSON.parse(sbomText(inventory))), JSON.stringify(validate.errors));
    assert.ok(!validate({ bomFormat: "CycloneDX" }));
  });

  it("refuses a package without a hash", () => {
    const packages = [{ name: "unknown", version: "1.0.0", licence: "MIT" }];
    assert.throws(() => sbomText({ ...inventory, packages }), { name: "IntegrityError" });
  });
});
