/** Gives tests a disk that can be full: a small one in memory, which only root may mount. */

import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { skipUnless } from "../skip.ts";
import { tempDirectory } from "../temp_directory.ts";
import { startPostgres } from "./postgres.ts";

const canMount = process.platform === "linux" && process.geteuid?.() === 0 && mounts();

export const NEEDS_SMALL_DISK = skipUnless(canMount, "no tmpfs for a full disk");

/** Mounts a disk of this size in KiB. */
export function mountSmallDisk(kib: number) {
  const folder = tempDirectory();
  const mount = (options: string) =>
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "none", folder.path]);
  mount(`size=${kib}k`);
  return {
    path: folder.path,
    /** Makes room. */
    grow: () => mount("remount,size=64m"),
    [Symbol.dispose]() {
      execFileSync("umount", [folder.path]);
      folder[Symbol.dispose]();
    },
  };
}

/** Starts a server whose new database is on a disk of 48 MB. */
export async function startOnSmallDisk() {
  const folder = tempDirectory();
  chmodSync(folder.path, 0o755);
  const disk = join(folder.path, "disk");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m,mode=777", "none", disk]);
  const filler = join(disk, "filler");
  const server = await startPostgres();
  const space = join(disk, "space");
  mkdirSync(space);
  server.own(space);
  const url = server.create();
  server.sql(url, `CREATE TABLESPACE small LOCATION '${space}'`);
  const name = new URL(url).pathname.slice(1);
  server.sql(server.address(), `ALTER DATABASE ${name} SET TABLESPACE small`);
  return {
    server,
    url,
    /** Writes a file until there is no room. */
    fill(): void {
      for (const bytes = new Uint8Array(65_536);;) {
        try {
          appendFileSync(filler, bytes);
        } catch {
          return;
        }
      }
    },
    /** Makes room. */
    free: (): void => rmSync(filler, { force: true }),
    async [Symbol.asyncDispose]() {
      await server.close();
      execFileSync("umount", [disk]);
      folder[Symbol.dispose]();
    },
  };
}

/** Whether this process may mount. */
function mounts(): boolean {
  using folder = tempDirectory();
  try {
    execFileSync("mount", ["-t", "tmpfs", "none", folder.path], { stdio: "ignore" });
    execFileSync("umount", [folder.path]);
    return true;
  } catch {
    return false;
  }
}
