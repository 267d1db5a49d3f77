/** A release of small programs, on a loopback server or in a folder, for tests of installers. */

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { skipUnless } from "../skip.ts";
import { newSigner, type Signer } from "./signer.ts";
import { listening } from "../network/listening.ts";

/** For tests that make a release, and use it with some programs of the system. */
export const needsRelease = (...programs: readonly string[]) => {
  const missing = ["tar", "xz", ...programs].filter((name) =>
    spawnSync(name, ["--version"]).error !== undefined
  );
  return skipUnless(
    process.platform === "linux" && missing.length === 0,
    `a release: ${missing.length > 0 ? `no ${missing.join(", no ")}` : "no Linux"}`,
  );
};

export interface SmallRelease {
  readonly folder: string;
  readonly signer: Signer;
}

/**
 * Writes a release whose programs print their version.
 *
 * @param script The program; by default it prints a version.
 */
export function makeRelease(
  folder: string,
  platforms: readonly string[],
  { script = `echo "barnacle 1.0.0, a test"`, signer = newSigner() } = {},
): SmallRelease {
  for (const platform of platforms) {
    const program = join(folder, "barnacle");
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
    const raw = `barnacle-${platform}`;
    execFileSync("tar", ["-cJf", join(folder, `${raw}.tar.xz`), "-C", folder, "barnacle"]);
    execFileSync("mv", [program, join(folder, raw)]);
  }
  signRelease(folder, signer, "1.0.0");
  return { folder, signer };
}

/** Writes SHA256SUMS and its signature. */
export function signRelease(folder: string, signer: Signer, version: string): void {
  const lines = readdirSync(folder).filter((name) => !/^SHA256SUMS|\.minisig$/.test(name)).sort()
    .map((name) => {
      const sum = createHash("sha256").update(readFileSync(join(folder, name))).digest("hex");
      return `${sum}  ${name}\n`;
    });
  const sums = new TextEncoder().encode(lines.join(""));
  writeFileSync(join(folder, "SHA256SUMS"), sums);
  writeFileSync(join(folder, "SHA256SUMS.minisig"), signer.sign(sums, `barnacle v${version}`));
}

/** A server of releases, with the paths of GitHub. */
export interface ReleaseServer extends AsyncDisposable {
  /** `"http://127.0.0.1:1234/releases"`. */
  readonly address: string;
  readonly requests: string[];
  /** Answers a request in place of the server, if it returns `true`. */
  fault: (name: string, response: ServerResponse) => boolean;
}

/** Starts a server of one release, which is also the newest one. */
export async function serveRelease(folder: string): Promise<ReleaseServer> {
  const requests: string[] = [];
  const paths = ["/releases/latest/download/", "/releases/download/v1.0.0/"];
  const server = createServer(({ url = "" }, response) => {
    requests.push(url);
    const name = url.slice(url.lastIndexOf("/") + 1);
    const isKnown = paths.includes(url.slice(0, -name.length)) &&
      readdirSync(folder).includes(name);
    if (result.fault(name, response)) return;
    if (isKnown) response.end(readFileSync(join(folder, name)));
    else response.writeHead(404).end("<html>not here</html>");
  });
  const port = await listening(server);
  const result: ReleaseServer = {
    address: `http://127.0.0.1:${port}/releases`,
    requests,
    fault: () => false,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return result;
}
