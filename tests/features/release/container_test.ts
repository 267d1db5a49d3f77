/** Runs the container image as an unprivileged user: with umoci as its reader and crun as its runtime. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import { buildImage, partsOf } from "../../../scripts/release/pack/image.ts";
import { STOPPED, withSimulation } from "../../support/bot/e2e.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const BINARY = process.env["BARNACLE_BIN"] ?? "";
/** A user without any rights: Debian's `nobody`. */
const NOBODY = 65_534;
const USER = 65_532;

/** Why this machine cannot run the image; empty if it can. */
function missing(): string {
  if (BINARY === "" || process.arch !== "x64" || process.platform !== "linux") {
    return "no x64 binary";
  }
  if (readFileSync(BINARY).subarray(0, 4).toString("latin1") !== "\x7fELF") return "no x64 binary";
  if (process.getuid?.() !== 0) return "not root, which must prepare the other user's folder";
  const tools = ["crun", "umoci", "setpriv"];
  const lacks = tools.filter((name) => spawnSync(name, ["--version"]).error !== undefined);
  if (lacks.length > 0) return `no ${lacks.join(", no ")}`;
  try {
    partsOf("x64", BINARY);
    return "";
  } catch (error) {
    return String(error);
  }
}

/** Commands of crun as {@link NOBODY}. crun 1.8 refuses a machine with both versions of cgroups. */
function crun(state: string, args: readonly string[]) {
  const script = 'mount -t cgroup2 none /sys/fs/cgroup && exec setpriv "$@"';
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  const runtime = ["crun", `--root=${state}`, "--cgroup-manager=disabled", ...args];
  return { program: "unshare", args: ["-m", "sh", "-c", script, "sh", ...user, ...runtime] };
}

/** Makes a bundle of the image: read-only, on this machine's network, and without capabilities. */
function makeBundle(folder: string, dataDir: string, env: readonly string[]): string {
  const image = join(folder, "image.tar");
  buildImage(partsOf("x64", BINARY), image);
  const { version } = JSON.parse(readFileSync("deno.json", "utf8"));
  const layout = join(folder, "layout");
  const bundle = join(folder, "bundle");
  mkdirSync(layout);
  execFileSync("tar", ["-xf", image, "-C", layout]);
  execFileSync("umoci", ["unpack", "--rootless", "--image", `${layout}:${version}`, bundle], {
    stdio: "ignore",
  });
  const path = join(bundle, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8"));
  const { process: program, linux, mounts } = config;
  assert.deepEqual(program.args, ["/usr/bin/barnacle", "run"]);
  assert.deepEqual([program.user.uid, program.user.gid], [USER, USER]);
  const mapping = [{ containerID: USER, hostID: NOBODY, size: 1 }];
  const bind = (destination: string, source: string) => ({
    ...{ destination, source, type: "bind", options: ["bind", "rw", "nosuid"] },
  });
  writeFileSync(
    path,
    JSON.stringify({
      ...config,
      process: {
        ...program,
        terminal: false,
        env: [...program.env, ...env],
        rlimits: [],
        capabilities: {},
      },
      root: { ...config.root, readonly: true },
      mounts: [
        ...mounts.filter(({ destination }: { readonly destination: string }) =>
          ["/proc", "/dev"].includes(destination)
        ),
        { destination: "/tmp", type: "tmpfs", source: "tmpfs" },
        bind("/data", dataDir),
        bind("/config", join(dataDir, "config")),
      ],
      linux: {
        uidMappings: mapping,
        gidMappings: mapping,
        maskedPaths: linux.maskedPaths,
        namespaces: ["user", "mount", "pid", "ipc", "uts"].map((type) => ({ type })),
      },
    }),
  );
  execFileSync("chown", ["-R", `${NOBODY}:${NOBODY}`, folder, dataDir]);
  return bundle;
}

const why = missing();

describe("[O8] the container image", skipUnless(why === "", `the container image: ${why}`), () => {
  it("runs without root, answers, is healthy by its own check, and stops on SIGTERM", () =>
    withSimulation({}, async ({ simulator, model, dataDir, configFile, until }) => {
      using folder = tempDirectory();
      chmodSync(folder.path, 0o755);
      mkdirSync(join(dataDir, "config"));
      copyFileSync(configFile, join(dataDir, "config", "config.jsonc"));
      const state = join(folder.path, "state");
      mkdirSync(state);
      const bundle = makeBundle(folder.path, dataDir, [
        `DISCORD_API_URL=${simulator.apiUrl}`,
        `DISCORD_BOT_TOKEN=${simulator.token}`,
        `OPENAI_BASE_URL=${model.baseUrl}`,
        "OPENAI_API_KEY=no-key",
        `OPENAI_MODEL=${model.models[0]}`,
      ]);
      const lines: string[] = [];
      const start = (args: readonly string[], onLine = (line: string) => void lines.push(line)) =>
        startOwnProcess(crun(state, args), [], { PATH: process.env["PATH"] }, onLine);
      const id = `barnacle-${process.pid}`;
      const bot = start(["run", "--bundle", bundle, id]);
      await using _ = {
        // After a failure, nothing else ends the container.
        [Symbol.asyncDispose]: async () => {
          await start(["delete", "--force", id], () => {}).exited;
          await bot.exited;
        },
      };
      const isOver = bot.exited.then(() => assert.fail(lines.join("\n")));
      const comes = <Value>(what: string, check: () => Value | undefined) =>
        Promise.race([until(what, check), isOver]);
      await comes("a connection", () => simulator.connected() > 0 || undefined);
      const { userId } = simulator.application;
      simulator.say({ as: "grace", in: "general", text: `<@${userId}> are you whole?` });
      const reply = await comes("the reply", () => simulator.posted("general")[0]);
      assert.match(reply.content, /are you whole\?/);

      const isUp = () => lines.some((line) => line.includes('"Barnacle is running"')) || undefined;
      await comes("its health page", isUp);
      const said: string[] = [];
      const health = start(
        ["exec", `--user=${USER}:${USER}`, id, "/usr/bin/barnacle", "healthcheck"],
        (line) => void said.push(line),
      );
      assert.deepEqual(await health.exited, { code: 0, signal: null }, said.join("\n"));
      assert.match(said.join("\n"), /^(?:Healthy|Works, with warnings)/);

      isOver.catch(() => {}); // from here on it should end
      const stop = start(["kill", id, "TERM"]);
      assert.equal((await stop.exited).code, 0);
      assert.deepEqual(await bot.exited, STOPPED, lines.join("\n"));
      chownSync(dataDir, 0, 0);
    }));
});
