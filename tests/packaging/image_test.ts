/** Builds the container image around a small file, and reads it with tar and the rules of OCI. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  buildImage,
  type ImageParts,
  MACHINES,
  partsOf,
} from "../../scripts/release/pack/image.ts";
import { skipUnless } from "../support/skip.ts";
import { tempDirectory } from "../support/temp_directory.ts";

/** The parts for a machine, or the sentence about a missing one. */
function partsHere(machine: string): ImageParts | string {
  try {
    return partsOf(machine, import.meta.filename ?? "");
  } catch (error) {
    return String(error);
  }
}

/** Unpacks an image, and reads its blobs by digest. */
function readImage(path: string, folder: string) {
  execFileSync("tar", ["-xf", path, "-C", folder]);
  const blob = (digest: string) => {
    const bytes = readFileSync(join(folder, "blobs", ...digest.split(":")));
    assert.equal(`sha256:${createHash("sha256").update(bytes).digest("hex")}`, digest);
    return bytes;
  };
  const json = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
  const [entry] = json(readFileSync(join(folder, "index.json"))).manifests;
  const manifest = json(blob(entry.digest));
  const layers: readonly { readonly digest: string; readonly size: number }[] = manifest.layers;
  return { entry, config: json(blob(manifest.config.digest)), layers, blob };
}

for (const machine of Object.keys(MACHINES)) {
  const parts = partsHere(machine);
  const reason = typeof parts === "string" ? parts : "";
  describe(
    `[O8] the image for ${machine}`,
    skipUnless(reason === "", `the image for ${machine}: ${reason}`),
    () => {
      it("has the same bytes each time, with any umask", () => {
        if (typeof parts === "string") return;
        using folder = tempDirectory();
        const [one, two] = ["one.tar", "two.tar"].map((name) => join(folder.path, name));
        assert.ok(one !== undefined && two !== undefined);
        buildImage(parts, one);
        const before = process.umask(0o077);
        try {
          buildImage(parts, two);
        } finally {
          process.umask(before);
        }
        assert.deepEqual(readFileSync(one), readFileSync(two));
      });

      it("has correct digests, no root, /data, and a health check without a shell", () => {
        if (typeof parts === "string") return;
        using folder = tempDirectory();
        const path = join(folder.path, "image.tar");
        buildImage(parts, path);
        const { config, layers, blob, entry } = readImage(path, folder.path);
        assert.equal(entry.annotations["org.opencontainers.image.ref.name"], parts.version);
        assert.equal(config.architecture, MACHINES[machine]?.architecture);
        assert.equal(config.created, parts.createdAt);
        assert.equal(config.config.User, "65532:65532");
        assert.deepEqual(config.config.Entrypoint, ["/usr/bin/barnacle"]);
        assert.deepEqual(config.config.Cmd, ["run"]);
        assert.deepEqual(config.config.Healthcheck.Test, [
          "CMD",
          "/usr/bin/barnacle",
          "status",
          "--quiet",
        ]);
        assert.ok(config.config.Env.includes("BARNACLE_DATA=/data"));
        const list: string[] = [];
        layers.forEach(({ digest, size }, index) => {
          const packed = blob(digest);
          assert.equal(packed.length, size);
          const tar = gunzipSync(packed);
          const diffId = `sha256:${createHash("sha256").update(tar).digest("hex")}`;
          assert.equal(config.rootfs.diff_ids[index], diffId);
          const file = join(folder.path, "layer.tar");
          writeFileSync(file, tar);
          const flags = ["--numeric-owner", "--full-time", "-tvf", file];
          list.push(...execFileSync("tar", flags, { encoding: "utf8" }).trim().split("\n"));
        });
        const files = new Map(list.map((line) => {
          const [mode = "", owner = "", , , , name = ""] = line.split(/\s+/);
          return [name, `${mode} ${owner}`] as const;
        }));
        assert.equal(files.get("usr/bin/barnacle"), "-rwxr-xr-x 0/0");
        assert.equal(files.get("data/"), "drwx------ 65532/65532");
        assert.equal(files.get("tmp/"), "drwxrwxrwt 0/0");
        assert.equal(files.get("etc/ssl/certs/ca-certificates.crt"), "-rw-r--r-- 0/0");
        assert.equal(files.get(MACHINES[machine]?.loader ?? ""), "-rwxr-xr-x 0/0");
        for (const name of files.keys()) assert.doesNotMatch(name, /bin\/(?!barnacle)./);
        assert.ok(list.every((line) => line.includes(" 1970-01-01 ")));
      });
    },
  );
}

it("partsOf() › names the missing file", () => {
  using folder = tempDirectory();
  mkdirSync(join(folder.path, "dist"));
  assert.throws(
    () => partsOf("riscv", "/dev/null/nowhere"),
    /^Error: No image for "riscv": write x64 or arm64$/,
  );
  assert.throws(
    () => partsOf("x64", "/dev/null/nowhere"),
    /^Error: No binary \/dev\/null\/nowhere: deno task compile linux-x64 makes it$/,
  );
});
