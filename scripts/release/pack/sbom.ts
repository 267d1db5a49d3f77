/**
 * Writes the software bill of materials (SBOM) of a release, in the CycloneDX format.
 *
 * It lists the npm packages in the binary and the runtime of each platform, with version, licence
 * and hash. It has no time and no random number, so the same commit gives the same bytes.
 * `deno run -A scripts/release/pack/sbom.ts dist/barnacle.cdx.json` writes it.
 */

import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { Buffer } from "node:buffer";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type LockFile, readLockFile, sha512Of } from "../lock_file.ts";
import { bundledPackages, bunVersion, type Package } from "../../packages.ts";
import { RELEASE_TARGETS, runtimePackage } from "../runtimes.ts";

export interface Inventory {
  readonly version: string;
  readonly packages: readonly Pick<Package, "name" | "version" | "licence">[];
  readonly bun: string;
  /** Platforms of the binaries. */
  readonly targets: readonly string[];
  readonly lock: LockFile;
}

/**
 * Writes the text of the SBOM.
 *
 * @throws {IntegrityError} If the lock file has no hash of a package.
 */
export function sbomText({ version, packages, bun, targets, lock }: Inventory): string {
  const root = new Models.Component(Enums.ComponentType.Application, "barnacle", {
    bomRef: `barnacle@${version}`,
    version,
  });
  root.licenses.add(new Models.SpdxLicense("MIT"));
  const bom = new Models.Bom();
  bom.metadata.component = root;
  const add = (type: Enums.ComponentType, part: Inventory["packages"][number]): void => {
    const component = componentOf(type, part, lock);
    bom.components.add(component);
    root.dependencies.add(component.bomRef);
  };
  for (const part of packages) add(Enums.ComponentType.Library, part);
  for (const target of targets) {
    add(Enums.ComponentType.Platform, {
      name: runtimePackage(target),
      version: bun,
      licence: "MIT",
    });
  }
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  const json = new Serialize.JsonSerializer(factory);
  return `${json.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function componentOf(
  type: Enums.ComponentType,
  { name, version, licence }: Inventory["packages"][number],
  lock: LockFile,
): Models.Component {
  const [last = name, group] = name.split("/").reverse();
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const component = new Models.Component(type, last, { bomRef: purl, purl, version });
  if (group !== undefined) component.group = group;
  component.licenses.add(new Models.SpdxLicense(licence));
  const hash = Buffer.from(sha512Of(lock, name, version), "base64").toString("hex");
  component.hashes.set(Enums.HashAlgorithm["SHA-512"], hash);
  return component;
}

function main(): void {
  const path = process.argv[2];
  if (path === undefined) {
    throw new TypeError("Name the file: scripts/release/pack/sbom.ts dist/barnacle.cdx.json");
  }
  const config = join(import.meta.dirname ?? ".", "..", "..", "..", "deno.json");
  writeFileSync(
    path,
    sbomText({
      version: JSON.parse(readFileSync(config, "utf8")).version,
      packages: bundledPackages(),
      bun: bunVersion(),
      targets: RELEASE_TARGETS,
      lock: readLockFile(),
    }),
  );
}

if (import.meta.main) main();
