/**
 * Packs folders as layers of a container image, and writes the image as an OCI layout. It needs no
 * daemon, and the same content gives the same bytes.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

/** Writes a file below a folder. */
export function put(root: string, path: string, content: Uint8Array | string, mode = 0o644): void {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  chmodSync(target, mode); // whatever the umask is
}

export interface Layer {
  readonly packed: Uint8Array;
  /** SHA-256 of the archive before its compression. */
  readonly diffId: string;
  readonly unpackedBytes: number;
}

/**
 * Makes a layer of the files that `fill` puts into a folder.
 *
 * @param work Folder for the files and their archive.
 * @param owner User and group of all files.
 */
export function packLayer(
  work: string,
  name: string,
  owner: number,
  fill: (root: string) => void,
): Layer {
  const root = join(work, name);
  mkdirSync(root);
  chmodSync(root, 0o755);
  fill(root);
  for (const path of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    const target = join(root, path);
    const isOpen = owner === 0 && statSync(target).isDirectory() && path !== "tmp";
    if (isOpen) chmodSync(target, 0o755); // whatever the umask is
  }
  const tar = `${root}.tar`;
  archive(root, tar, owner);
  const bytes = readFileSync(tar);
  return {
    packed: gzipSync(bytes, { level: 9 }),
    diffId: digestOf(bytes),
    unpackedBytes: bytes.length,
  };
}

/** Archives the entries of a folder: sorted, without times, and with one owner. */
export function archive(folder: string, out: string, owner: number): void {
  const flags = ["--format=ustar", "--sort=name", "--mtime=@0", "--numeric-owner"];
  const names = readdirSync(folder).sort(); // not the folder itself: it is the image's root
  execFileSync("tar", [
    ...flags,
    `--owner=${owner}`,
    `--group=${owner}`,
    "-cf",
    out,
    "-C",
    folder,
    ...names,
  ]);
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/**
 * Writes an image as a layout, with the list that older versions of Docker load.
 *
 * @param config The image's own description, without layers.
 * @see {@link https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md}
 */
export function writeLayout(
  folder: string,
  { name, version, config: about, layers }: {
    readonly name: string;
    readonly version: string;
    readonly config: object;
    readonly layers: readonly Layer[];
  },
): void {
  for (const name of ["", "blobs", join("blobs", "sha256")]) {
    mkdirSync(join(folder, name));
    chmodSync(join(folder, name), 0o755); // whatever the umask is
  }
  const blob = (content: Uint8Array, mediaType: string) => {
    const digest = digestOf(content);
    put(folder, pathOf(digest), content);
    return { mediaType, digest, size: content.length };
  };
  const json = (value: object, mediaType: string) =>
    blob(new TextEncoder().encode(JSON.stringify(value)), mediaType);
  const oci = "application/vnd.oci.image";
  const rootfs = { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) };
  const packed = layers.map(({ packed }) => blob(packed, `${oci}.layer.v1.tar+gzip`));
  const config = json({ ...about, rootfs }, `${oci}.config.v1+json`);
  const mediaType = `${oci}.manifest.v1+json`;
  const manifest = json({ schemaVersion: 2, mediaType, config, layers: packed }, mediaType);
  const annotations = {
    "io.containerd.image.name": `docker.io/library/${name}:${version}`,
    "org.opencontainers.image.ref.name": version,
  };
  put(folder, "oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  put(folder, "index.json", JSON.stringify(index));
  const paths = packed.map(({ digest }) => pathOf(digest));
  const list = [{ Config: pathOf(config.digest), RepoTags: [`${name}:${version}`], Layers: paths }];
  put(folder, "manifest.json", JSON.stringify(list));
}

/** `"sha256:ab…"` is the file `"blobs/sha256/ab…"`. */
function pathOf(digest: string): string {
  return join("blobs", ...digest.split(":"));
}
